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
}

type shard struct {
	Name       string             `json:"name"`
	Members    []gazetteer.NodeID `json:"members"`
	Partitions int                `json:"partitions"`
}

func shardsOf(c *region.ClusterStatus) shards {
	s := shards{Type: clusterName(c.Type), Rings: []shard{}, Moving: c.Moving, Pending: c.Pending}
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
	if err := noParameters(c.Request); err != nil {
		return err
	}
	text, err := h.text(c, ringBody, typeJSON)
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

func (h *Handler) removeRing(c *gin.Context) error {
	if err := noParameters(c.Request); err != nil {
		return err
	}
	cluster, err := segment(c, 0)
	if err != nil {
		return err
	}
	t, err := clusterType(cluster)
	if err != nil {
		return err
	}
	name, err := nameIn(c, 1)
	if err != nil {
		return err
	}
	err = h.operate(c, operation{missing: problem.UnknownRing}, func(ctx context.Context, o region.Operator) error { return o.RemoveRing(ctx, t, name) })
	if err != nil {
		return err
	}
	return h.moving(c, t, name)
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
	case n.name == "":
		return n, refused(gazetteer.Unprocessable, "/name", "is missing: how is the ring to be called?")
	case len(n.members) == 0:
		return n, refused(gazetteer.Unprocessable, "/members", "is empty: name the replicas, in ring order")
	}
	return n, nil
}

func (r *reader) ringField(key string, n *newRing) {
	switch key {
	case "type":
		n.cluster = parsed(r, clusterType)
	case "name":
		n.name = r.String()
	case "members":
		for ok := r.Array(); ok && r.Next(); {
			n.members = append(n.members, gazetteer.NodeID(r.String()))
		}
	default:
		r.Unknown()
	}
}
