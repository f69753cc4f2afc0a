package planet

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// The bias of a region is a location of its record, beside the standing: who drains the
// region and who gives it a bias never overwrite each other, and a server that knows no
// bias leaves it as it is.
const (
	biasID  = "bias"
	biasURL = "gazetteer:bias" // stands where a location has its URL
	biasKey = "us"             // of the label that holds the bias in whole microseconds
)

// Bias has all regions add a time to the round trip of every client to a region; 0 ends
// that. A region that is expected may be given its bias before it comes.
func (p *Planet) Bias(ctx context.Context, r gazetteer.RegionID, bias time.Duration) error {
	if bias < -region.BiasMax || bias > region.BiasMax {
		return refuse("Bias", gazetteer.Unprocessable, "/bias", "%v is not from %v to %v", bias, -region.BiasMax, region.BiasMax)
	}
	all, err := p.directory(ctx)
	if err != nil {
		return err
	}
	old := find(all, r)
	if old == nil || old.Standing.State == Removed {
		return unknownRegion(r)
	}
	l := biasLocation(bias)
	return p.Server.WriteRegion(ctx, r, region.RegionChange{Location: &l})
}

// biasLocation returns a bias as it is stored.
func biasLocation(bias time.Duration) gazetteer.Location {
	us := strconv.FormatInt(bias.Microseconds(), 10)
	return gazetteer.Location{ID: biasID, URL: biasURL, Weight: 1, Labels: []gazetteer.Label{{Key: biasKey, Value: us}}}
}

func biasOf(l *gazetteer.Location) (time.Duration, error) {
	const most = int64(region.BiasMax / time.Microsecond)
	for _, label := range l.Labels {
		if label.Key != biasKey {
			continue
		}
		us, err := strconv.ParseInt(label.Value, 10, 64)
		if err != nil || us < -most || us > most {
			return 0, fmt.Errorf("%.40q is no bias in microseconds", label.Value)
		}
		return time.Duration(us) * time.Microsecond, nil
	}
	return 0, nil
}
