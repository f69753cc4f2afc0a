resource "gazetteer_region" "syd" {
  name = "syd"
}

# For the first server of the region.
ephemeral "gazetteer_join_token" "syd" {
  region = gazetteer_region.syd.id
}

# For two more replicas of the region that the provider is connected to.
ephemeral "gazetteer_join_token" "replicas" {
  roles = ["replica"]
  uses  = 2
  ttl   = "15m"
}
