terraform import gazetteer_type.mirror mirror
