terraform import gazetteer_region.syd syd
