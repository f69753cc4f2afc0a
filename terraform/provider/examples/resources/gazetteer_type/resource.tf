resource "gazetteer_type" "mirror" {
  name        = "mirror"
  ttl_seconds = 60
  redirect    = true
  health = {
    kind = "http"
    path = "/health"
  }
}
