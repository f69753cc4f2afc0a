terraform import gazetteer_policy.mirror mirror
