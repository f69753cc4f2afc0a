terraform {
  required_providers {
    gazetteer = { source = "gazetteer/gazetteer" }
  }
}

provider "gazetteer" {
  addr       = "https://fra.gazetteer.example"
  more_addrs = ["https://iad.gazetteer.example"]
}
