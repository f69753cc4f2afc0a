resource "gazetteer_region" "syd" {
  name = "syd"
}

resource "gazetteer_region_arrival" "syd" {
  region = gazetteer_region.syd.id
  within = "10m"

  # depends_on = [module.region]  # what runs its servers: it is destroyed after the region has left
}
