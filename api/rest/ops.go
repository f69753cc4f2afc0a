package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/region"
)

// live answers as long as the process can answer at all.
func (h *Handler) live(c *gin.Context) error {
	h.answer(c.Writer, http.StatusOK, []byte(`{"live":true}`))
	return nil
}

// readiness is the body of /readyz.
type readiness struct {
	Ready    bool    `json:"ready"`
	Draining bool    `json:"draining,omitempty"`
	Checks   []check `json:"checks"`
}

type check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// ready answers 200 if every part can do its work, else 503 with those that cannot. With
// verbose it lists all.
func (h *Handler) ready(c *gin.Context) error {
	verbose := false
	err := eachParameter(c.Request.URL.RawQuery, "", func(name, value string) (err error) {
		if name != "verbose" {
			return unknownParameter(name, "verbose")
		}
		if verbose = true; value != "" {
			verbose, err = flagParameter(name, value)
		}
		return err
	})
	if err != nil {
		return err
	}
	state := h.readiness(verbose)
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	return h.answerValue(c, status, state)
}

func (h *Handler) readiness(verbose bool) readiness {
	state := readiness{Ready: true, Draining: h.draining.Load(), Checks: []check{}}
	for _, k := range h.regional.Ready() {
		state.Ready = state.Ready && k.OK
		if verbose || !k.OK {
			state.Checks = append(state.Checks, check(k))
		}
	}
	state.Ready = state.Ready && !state.Draining
	return state
}

// A statusReporter is a regional server that can tell more of itself.
type statusReporter interface{ Status() region.Status }

// serverStatus is the body of /v1/status.
type serverStatus struct {
	Region        string    `json:"region"`
	Node          string    `json:"node"`
	Version       string    `json:"version,omitempty"`
	UptimeSeconds float64   `json:"uptime_seconds"`
	Readiness     readiness `json:"readiness"`
	Plan          *planned  `json:"plan,omitempty"`
	Requests      *requests `json:"requests,omitempty"`
	Demand        []demand  `json:"demand,omitempty"`
	Mirrors       *mirrors  `json:"mirrors,omitempty"`
	Regions       []lag     `json:"regions,omitempty"`
	// RegionsUnknown says why regions are left out of a planet's status.
	RegionsUnknown string `json:"regions_unknown,omitempty"`
}

type planned struct {
	Epoch      uint64   `json:"epoch"`
	Roles      []string `json:"roles"`
	Partitions uint32   `json:"partitions"`
	Types      []string `json:"types"`
}

type mirrors struct {
	Partitions int  `json:"partitions"`
	Serving    int  `json:"serving"`
	Alone      int  `json:"alone"`
	Writable   bool `json:"writable"`
}

// requests are counts since the process started.
type requests struct {
	Lookups  uint64 `json:"lookups"`
	Gets     uint64 `json:"gets"`
	Lists    uint64 `json:"lists"`
	Writes   uint64 `json:"writes"`
	Missing  uint64 `json:"missing"`
	Failures uint64 `json:"failures"`
	Retries  uint64 `json:"retries"`
}

// demand counts, since the process started, what was asked of the cluster of a type.
type demand struct {
	Type   gazetteer.Type `json:"type"`
	Reads  uint64         `json:"reads"`
	Writes uint64         `json:"writes"`
}

func (h *Handler) status(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	s := serverStatus{
		Region: string(h.region), Node: string(h.node), Version: h.version,
		UptimeSeconds: float64(time.Since(h.started).Milliseconds()) / 1e3, Readiness: h.readiness(true),
	}
	if r, ok := h.regional.(statusReporter); ok {
		s.tell(r.Status())
	}
	if h.operator != nil {
		s.tellRegions(c.Request.Context(), h.operator)
	}
	return h.answerValue(c, http.StatusOK, s)
}

func (s *serverStatus) tell(st region.Status) {
	p := &planned{Epoch: st.Plan, Roles: []string{}, Partitions: st.Partitions, Types: []string{}}
	for _, r := range st.Roles {
		p.Roles = append(p.Roles, string(r))
	}
	for _, t := range st.Types {
		p.Types = append(p.Types, string(t))
	}
	s.Plan, s.Requests = p, (*requests)(&st.Requests)
	for _, d := range st.Demand {
		s.Demand = append(s.Demand, demand(d))
	}
	if m := st.Mirrored; m != nil {
		s.Mirrors = &mirrors{Partitions: m.Partitions, Serving: m.Serving, Alone: m.Alone, Writable: m.Writable}
	}
}

// topologyPatience bounds what a status waits for: it is asked for when things go wrong.
const topologyPatience = 2 * time.Second

func (s *serverStatus) tellRegions(ctx context.Context, o region.Operator) {
	ctx, cancel := context.WithTimeout(ctx, topologyPatience)
	defer cancel()
	t, err := o.Topology(ctx)
	if err != nil {
		s.RegionsUnknown = reason(err)
		return
	}
	for i := range t.Regions {
		s.Regions = append(s.Regions, lagOf(&t.Regions[i]))
	}
}

// answerValue sends a value of this package.
func (h *Handler) answerValue(c *gin.Context, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h.answer(c.Writer, status, body)
	return nil
}

// openAPI serves the description of this API.
func (h *Handler) openAPI(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	h.answer(c.Writer, http.StatusOK, h.openapi)
	return nil
}
