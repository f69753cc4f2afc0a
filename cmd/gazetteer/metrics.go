package main

import (
	"gazetteer"
	"gazetteer/api/peer"
	"gazetteer/api/rest"
	"gazetteer/region/geo"
)

// samples are the metrics of the parts that the REST face does not know.
func (s *service) samples(m *member) func() []rest.Sample {
	return func() []rest.Sample {
		out := append(geoipSamples(s.locator.Status()), networksSamples(s.locator.NetworksStatus())...)
		out = append(out, s.names.samples()...)
		if m.transport != nil {
			out = append(out, peerSamples(m.transport.Counters())...)
			out = append(out, linkSamples(m.transport.Traffic())...)
		}
		return out
	}
}

func geoipSamples(st geo.Status) []rest.Sample {
	if st.Type == "" {
		return nil
	}
	stale := 0.0
	if st.Err != nil {
		stale = 1
	}
	return []rest.Sample{
		{Name: "gazetteer_geoip_built_timestamp_seconds", Help: "When the GeoIP database was made.", Value: float64(st.Built.Unix())},
		{Name: "gazetteer_geoip_refused", Help: "1 while the file is not the database in use, because it is bad.", Value: stale},
	}
}

func networksSamples(st geo.NetworksStatus) []rest.Sample {
	if st.Path == "" {
		return nil
	}
	stale := 0.0
	if st.Err != nil {
		stale = 1
	}
	return []rest.Sample{
		{Name: "gazetteer_operator_networks", Help: "The operator's networks in use.", Value: float64(st.Networks)},
		{Name: "gazetteer_operator_networks_refused", Help: "1 while the file is not the one in use, because it is bad.", Value: stale},
	}
}

func peerSamples(c peer.Counters) []rest.Sample {
	total := func(name, help string, v uint64) rest.Sample {
		return rest.Sample{Name: "gazetteer_peer_" + name + "_total", Help: help, Counter: true, Value: float64(v)}
	}
	return []rest.Sample{
		total("connections", "Connections accepted from other servers.", c.Accepted),
		total("refused", "Connections refused, or ended for what they sent.", c.Refused),
		total("crowded", "Connections closed because there were too many.", c.Crowded),
		total("requests", "Requests taken from other servers.", c.Requests),
		total("links", "Links that came up.", c.Linked),
		total("unlinks", "Links that ended.", c.Unlinked),
		total("overflows", "Links closed because the peer took nothing.", c.Overflows),
	}
}

// linkSamples tell what goes to each region.
func linkSamples(ts []peer.Traffic) (out []rest.Sample) {
	for _, t := range ts {
		to := func(name, help string, v uint64) {
			out = append(out, rest.Sample{Name: "gazetteer_peer_link_" + name + "_total", Help: help, Counter: true,
				Labels: []gazetteer.Label{{Key: "region", Value: string(t.Region)}}, Value: float64(v)})
		}
		to("updates", "Updates sent to the replicas of a region.", t.Updates)
		to("update_bytes", "Bytes of the messages that these updates went in.", t.UpdateBytes)
		to("bytes", "Bytes of all messages sent to the replicas of a region.", t.Bytes)
	}
	return out
}
