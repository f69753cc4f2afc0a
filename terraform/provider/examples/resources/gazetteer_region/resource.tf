resource "gazetteer_region" "syd" {
  name    = "syd"
  bias_ms = 5
}
