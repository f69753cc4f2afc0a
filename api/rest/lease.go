package rest

import (
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer/region"
)

// heartbeat renews the lease of a location. Nothing of the location is said or changed, so
// it needs no document.
func (h *Handler) heartbeat(c *gin.Context) error {
	ch, err := leaseChangeIn(c)
	if err != nil {
		return err
	}
	ch.Op = region.RenewLease
	if ch.Location, err = locationIn(c); err != nil {
		return err
	}
	if ch.Lease == 0 {
		return badParameter("ttl", "is missing: how long does the renewal last? 0 gives the lease up")
	}
	return h.change(c, ch)
}

// leaseChangeIn is changeIn for the writes that may take or renew a lease.
func leaseChangeIn(c *gin.Context) (region.Change, error) {
	var lease time.Duration
	ch, err := changeWith(c, "ack, deadline, ttl", func(name, value string) (taken bool, err error) {
		if name != "ttl" {
			return false, nil
		}
		lease, err = leaseParameter(value)
		return true, err
	})
	ch.Lease = lease
	return ch, err
}

// leaseParameter reads how long a lease lasts; its limits are the region's.
func leaseParameter(value string) (time.Duration, error) {
	d, err := durationParameter(value)
	if err != nil || d < 0 || d > 2*region.LeaseMax {
		return 0, badParameter("ttl", "%s is not a time such as 30s or 5m, at most %v", quoted(value), region.LeaseMax)
	}
	if d == 0 {
		return region.NoLease, nil
	}
	return d, nil
}
