package control

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"gazetteer"
	"gazetteer/region"
)

// Config says what one process is in the group of its region, and with what it reaches
// the others.
type Config struct {
	// Node is this process: name, addresses and roles. With the role region it takes
	// part in raft; with others it only follows the plan.
	Node Node
	// Dir keeps the raft log, snapshots and the last plan. Empty: nothing is kept, and
	// the process is another one each time it starts.
	Dir string
	// Found is the first plan, if this process is the first of a new region.
	Found *Description
	// Join are the peer addresses of members of the region to join, and Token the text
	// of [Group.NewToken]. A process that has joined needs them no more, see Start.
	Join  []string
	Token string
	// Streams carry raft to the other regional servers, Caller requests to all members.
	// Nil for a process that stays alone.
	Streams Streams
	Caller  Caller
	// Logger gets what raft says, and what a process does about its plan by itself.
	Logger *slog.Logger
	// Heartbeat is how long a follower waits for its leader before it asks for votes;
	// half of it is the leader's lease. Shorter finds a new leader sooner and costs more
	// needless elections on a slow machine; 500 ms if it is 0.
	Heartbeat time.Duration
	// DeadAfter is how long a member must have been reported dead before the plan says
	// so; 1 s if it is 0. The plan would otherwise change with every lost packet.
	DeadAfter time.Duration
	// MovesAtOnce is how many partitions are on their way at a time; 4 if it is 0.
	MovesAtOnce int
	// Now is the time for join tokens; nil for the machine's.
	Now func() time.Time

	// In place of what is in Dir and of raft's figures, for tests.
	files  files
	stores func() (*stores, error)
	tune   func(*raft.Config)
}

// complete checks the configuration and fills in defaults.
func (c *Config) complete() error {
	if err := c.Node.check("/node", true); err != nil {
		return err
	}
	if len(c.Join) > 0 && c.Found != nil {
		return opError("control.Start", gazetteer.Invalid, "a process founds a region or joins one, not both")
	}
	if c.Streams != nil && c.Node.Addr == "" {
		return opError("control.Start", gazetteer.Invalid, "the node %q has streams but no peer address at which the others reach it", c.Node.Name)
	}
	c.Heartbeat = cmp.Or(c.Heartbeat, 500*time.Millisecond)
	c.DeadAfter = cmp.Or(c.DeadAfter, time.Second)
	c.MovesAtOnce = cmp.Or(c.MovesAtOnce, 4)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.stores == nil {
		c.stores = func() (*stores, error) { return openStores(c.dir(), hclogger{to: c.Logger}) }
	}
	return nil
}

func (c *Config) regional() bool { return slices.Contains(c.Node.Roles, region.RoleRegion) }

func (c *Config) dir() dir {
	if c.files != nil {
		return dir{files: c.files}
	}
	return openDir(c.Dir)
}
