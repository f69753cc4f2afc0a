resource "gazetteer_type" "mirror" {
  name = "mirror"
}

resource "gazetteer_policy" "mirror" {
  type = gazetteer_type.mirror.name
  tiers = [
    { name = "near", within_km = 500 },
    { name = "home", same_country = true },
    { name = "rest" },
  ]
  countries = [{ locations = "export=no", deny = ["KP"] }]
  load      = { label = "load", from = 0.7, full = 0.9 }
}
