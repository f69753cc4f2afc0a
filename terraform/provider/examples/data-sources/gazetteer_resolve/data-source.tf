data "gazetteer_resolve" "debian" {
  type  = "mirror"
  id    = "debian"
  lat   = -37.8
  lon   = 145.0
  limit = 1
}

output "nearest" {
  value = data.gazetteer_resolve.debian.locations[0].url
}
