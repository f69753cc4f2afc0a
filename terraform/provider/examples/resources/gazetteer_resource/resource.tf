resource "gazetteer_type" "mirror" {
  name = "mirror"
}

resource "gazetteer_resource" "debian" {
  type       = gazetteer_type.mirror.name
  id         = "debian"
  attributes = jsonencode({ licence = "free" })
  locations = {
    berlin = { url = "https://ber.example.org/debian/", lat = 52.5, lon = 13.4, country = "DE", labels = { tier = "gold" } }
    sydney = { url = "https://syd.example.org/debian/", lat = -33.9, lon = 151.2, country = "AU", weight = 2 }
  }
}
