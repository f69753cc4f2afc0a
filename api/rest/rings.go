package rest

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"gazetteer"
	"gazetteer/api/rest/problem"
	"gazetteer/region"
)

// defaultCluster names, wherever a type is asked for, the cluster of all types that have
// none of their own. A type of this name is one of these.
const defaultCluster = "default"

func clusterName(t gazetteer.Type) string {
	if t == "" {
		return defaultCluster
	}
	return string(t)
}

// clusterType reads the name of a cluster.
func clusterType(name string) (gazetteer.Type, error) {
	if name == "" || name == defaultCluster {
		return "", nil
	}
	t := gazetteer.Type(name)
	return t, t.Validate()
}

// shards is the cluster of a type.
type shards struct {
	Type    string  `json:"type"`
	Rings   []shard `json:"rings"`
	Moving  int     `json:"moving"`
	Pending int     `json:"pending"`
	Auto    *auto   `json:"auto,omitempty"`
}

type shard struct {
	Name       string             `json:"name"`
	Members    []gazetteer.NodeID `json:"members"`
	Partitions int                `json:"partitions"`
}

func shardsOf(c *region.ClusterStatus) shards {
	s := shards{Type: clusterName(c.Type), Rings: []shard{}, Moving: c.Moving, Pending: c.Pending, Auto: autoOf(c.Auto)}
	for _, r := range c.Rings {
		s.Rings = append(s.Rings, shard{r.Name, listed(r.Members), r.Partitions})
	}
	return s
}

func (h *Handler) listRings(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	list := struct {
		Clusters []shards `json:"clusters"`
	}{[]shards{}}
	err := h.operate(c, operation{missing: problem.UnknownRing}, func(ctx context.Context, o region.Operator) error {
		clusters, err := o.Rings(ctx)
		for i := range clusters {
			list.Clusters = append(list.Clusters, shardsOf(&clusters[i]))
		}
		return err
	})
	if err != nil {
		return err
	}
	return h.answerValue(c, http.StatusOK, list)
}

// newRing is the body of POST /v1/rings.
type newRing struct {
	cluster gazetteer.Type
	name    string
	members []gazetteer.NodeID
}

// accepted is the answer to a change of rings: it is agreed on, and partitions move from
// now on.
type accepted struct {
	Type string `json:"type"`
	Ring string `json:"ring"`
}

func (h *Handler) addRing(c *gin.Context) error {
	text, err := h.document(c, ringBody)
	if err != nil {
		return err
	}
	n, err := readNewRing(text)
	if err != nil {
		return malformed(err)
	}
	about := operation{problem.UnknownRing, [][2]string{{"/ring", "/name"}, {"/members", "/members"}, {"/type", "/type"}}}
	err = h.operate(c, about, func(ctx context.Context, o region.Operator) error {
		return o.AddRing(ctx, n.cluster, n.name, n.members)
	})
	if err != nil {
		return err
	}
	return h.moving(c, n.cluster, n.name)
}

// setRing changes who mirrors a ring.
func (h *Handler) setRing(c *gin.Context) error {
	t, name, err := ringIn(c)
	if err != nil {
		return err
	}
	force, err := forceIn(c.Request)
	if err != nil {
		return err
	}
	text, err := h.text(c, ringBody, typeJSON)
	if err != nil {
		return err
	}
	members, err := readMembers(text)
	if err != nil {
		return malformed(err)
	}
	about := operation{problem.UnknownRing, [][2]string{{"/members", "/members"}}}
	err = h.operate(c, about, func(ctx context.Context, o region.Operator) error {
		return o.SetRing(ctx, t, name, members, force)
	})
	if err != nil {
		return err
	}
	return h.moving(c, t, name)
}

func (h *Handler) removeRing(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	t, name, err := ringIn(c)
	if err != nil {
		return err
	}
	err = h.operate(c, operation{missing: problem.UnknownRing}, func(ctx context.Context, o region.Operator) error { return o.RemoveRing(ctx, t, name) })
	if err != nil {
		return err
	}
	return h.moving(c, t, name)
}

// clusterIn reads the cluster that the path names.
func clusterIn(c *gin.Context) (gazetteer.Type, error) {
	name, err := segment(c, 0)
	if err != nil {
		return "", err
	}
	return clusterType(name)
}

// ringIn reads the cluster and the ring that the path names.
func ringIn(c *gin.Context) (t gazetteer.Type, ring string, err error) {
	if t, err = clusterIn(c); err != nil {
		return "", "", err
	}
	ring, err = nameIn(c, 1)
	return t, ring, err
}

// moving answers 202, and says where to look how far it is.
func (h *Handler) moving(c *gin.Context, t gazetteer.Type, ring string) error {
	c.Writer.Header()["Location"] = []string{h.base + "/v1/rings"}
	return h.answerValue(c, http.StatusAccepted, accepted{clusterName(t), ring})
}

func readNewRing(text string) (newRing, error) {
	var (
		r reader
		n newRing
	)
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); ok {
			r.ringField(key, &n)
		}
	}
	switch err := r.End(); {
	case err != nil:
		return n, err
	case n.name == autoName:
		return n, refused(gazetteer.Unprocessable, "/name", "%q is no name for a ring: under it stands what the rings of a cluster follow their demand by", autoName)
	case n.name == "":
		return n, refused(gazetteer.Unprocessable, "/name", "is missing: how is the ring to be called?")
	case len(n.members) == 0:
		return n, noMembers()
	}
	return n, nil
}

func noMembers() error {
	return refused(gazetteer.Unprocessable, "/members", "is empty: name the replicas, in ring order")
}

// readMembers reads the body of PUT /v1/rings/{type}/{ring}.
func readMembers(text string) (members []gazetteer.NodeID, err error) {
	var r reader
	r.Reset(text)
	for ok := r.Object(); ok; {
		var key string
		if key, ok = r.Key(); !ok {
			break
		}
		if key != "members" {
			r.Unknown()
			continue
		}
		members = r.nodes()
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, noMembers()
	}
	return members, nil
}

func (r *reader) nodes() (out []gazetteer.NodeID) {
	for ok := r.Array(); ok && r.Next(); {
		out = append(out, gazetteer.NodeID(r.String()))
	}
	return out
}

func (r *reader) ringField(key string, n *newRing) {
	switch key {
	case "type":
		n.cluster = parsed(r, clusterType)
	case "name":
		n.name = r.String()
	case "members":
		n.members = r.nodes()
	default:
		r.Unknown()
	}
}
