terraform import gazetteer_resource.debian mirror/debian
