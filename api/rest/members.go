package rest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// process is a member of the region.
type process struct {
	Node   gazetteer.NodeID `json:"node"`
	Roles  []region.Role    `json:"roles"`
	Peer   string           `json:"peer"`
	HTTP   string           `json:"http,omitempty"`
	State  string           `json:"state"`
	Leader bool             `json:"leader"`
	Plan   uint64           `json:"plan,omitempty"` // epoch of the plan it uses; left out: not known
	Rings  []string         `json:"rings"`
}

func (h *Handler) listMembers(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	list := struct {
		Members []process `json:"members"`
	}{[]process{}}
	err := h.operate(c, operation{missing: problem.UnknownMember}, func(ctx context.Context, o region.Operator) error {
		members, err := o.Members(ctx)
		for _, m := range members {
			m.Roles, m.Rings = listed(m.Roles), listed(m.Rings)
			list.Members = append(list.Members, process(m))
		}
		return err
	})
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, list)
}

func (h *Handler) removeMember(c *gin.Context) error {
	name, err := nameIn(c, 0)
	if err != nil {
		return err
	}
	force, err := forceIn(c.Request)
	if err != nil {
		return err
	}
	err = h.operate(c, operation{missing: problem.UnknownMember}, func(ctx context.Context, o region.Operator) error {
		return o.RemoveMember(ctx, gazetteer.NodeID(name), force)
	})
	if err != nil {
		return err
	}
	return h.done(c)
}

// invitation is the body of POST /v1/members:token.
type invitation struct {
	roles []region.Role
	uses  int
	ttl   time.Duration
}

// What a token is good for unless the operator says more: one process, which may do all that
// a server does unless it is told otherwise.
const (
	usesDefault     = 1
	tokenTTLDefault = 30 * time.Minute
)

func rolesDefault() []region.Role {
	return []region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}
}

func (h *Handler) admitMember(c *gin.Context) error {
	text, err := h.document(c, planBody)
	if err != nil {
		return err
	}
	i, err := readInvitation(text)
	if err != nil {
		return malformed(err)
	}
	var token region.JoinToken
	about := operation{problem.UnknownMember, [][2]string{{"/token/roles", "/roles"}, {"/token/uses", "/uses"}, {"/token/expires", "/ttl"}}}
	err = h.operate(c, about, func(ctx context.Context, o region.Operator) (err error) {
		token, err = o.AdmitMember(ctx, i.roles, i.uses, i.ttl)
		return err
	})
	if err != nil {
		return err
	}
	return h.answerToken(c, http.StatusOK, "", token)
}

func readInvitation(text string) (invitation, error) {
	i := invitation{uses: usesDefault, ttl: tokenTTLDefault}
	var r reader
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			r.invitationField(key, &i)
		}
	}
	if len(i.roles) == 0 {
		i.roles = rolesDefault()
	}
	return i, r.End()
}

// usesMost keeps a count far from overflow; the region has its own limit.
const usesMost = 1 << 31

func (r *reader) invitationField(key string, i *invitation) {
	switch key {
	case "roles":
		for ok := r.Array(); ok && r.Next(); {
			i.roles = append(i.roles, r.role(i.roles))
		}
	case "uses":
		i.uses = int(r.whole(1, usesMost))
	case "ttl":
		i.ttl = r.duration()
	default:
		r.Unknown()
	}
}

// role reads a role that is not among those before it.
func (r *reader) role(before []region.Role) region.Role {
	role := region.Role(r.String())
	switch {
	case r.Err() != nil:
	case !slices.Contains([]region.Role{region.RoleRouter, region.RoleRegion, region.RoleCluster, region.RoleReplica}, role):
		r.Fail("%.80q is no role; roles are router, region, cluster, replica", role)
	case slices.Contains(before, role):
		r.Fail("%q is given twice", role)
	}
	return role
}

// duration reads a time such as "30m".
func (r *reader) duration() time.Duration {
	text := r.String()
	d, err := time.ParseDuration(text)
	if r.Err() == nil && (err != nil || d <= 0) {
		r.Fail("%.80q is not a time such as 30m or 1h", text)
	}
	return d
}
