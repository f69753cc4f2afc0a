// Package ec2 runs a scenario on Amazon EC2, as the founding paper's second part planned it:
// Terraform makes the regions and the machines of their test clients, the catalogue is
// loaded, clients begin everywhere at one time, what the scenario says breaks, and what
// clients and CloudWatch have counted becomes the same [result.Run] that the other modes
// give. Then all of it is taken down again, also when something fails on the way.
//
// It is a module of its own: the weight of AWS's SDK stays out of the server's.
package ec2

import (
	"context"
	"io"
	"io/fs"
	"time"

	"gazetteer"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/result"
	"gazetteer/simulation/scenario"
)

// Config says what is run, and with what.
type Config struct {
	Run      string // its name: lower case letters, digits and hyphens, at most 40
	Scenario *scenario.Scenario
	Text     []byte // of the scenario's file, for the clients
	Bundled  func() (io.ReadCloser, error)

	Dir     string // where the run keeps its state, and Terraform its own
	Out     string // folder of the result
	Modules fs.FS  // the tree with modules/region and modules/simulation
	Package Package
	Types   Types
	Commit  string
	Replay  string // the command that repeats the run

	// Keep leaves everything as it is when the run fails or is interrupted, so that it can
	// be resumed. It goes on costing money.
	Keep bool

	Cloud     Cloud
	Terraform Terraform
	Planet    Planet
	Clock     Clock
	Say       func(what string)
}

// Package is the Debian package that instances run.
type Package struct {
	URL    string `json:"url"` // https
	SHA256 string `json:"sha256"`
}

// Types are the instance types.
type Types struct{ Server, Cluster, Replica, Client string }

// DefaultTypes cost little and are not the least.
func DefaultTypes() Types {
	return Types{Server: "t3.small", Cluster: "t3.small", Replica: "t3.medium", Client: "c5.large"}
}

// Clock tells the time and lets it pass.
type Clock interface {
	Now() time.Time
	// Sleep returns when d has passed, or with ctx's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// Terraform makes what stands in a folder's files, and takes it away.
type Terraform interface {
	Apply(ctx context.Context, dir string) error
	Destroy(ctx context.Context, dir string) error
	// Output returns the value of output "regions".
	Output(ctx context.Context, dir string) (Outputs, error)
}

// Planet is what the experimenter asks of regional servers over REST.
type Planet interface {
	// Ready is nil when a region's endpoint takes requests.
	Ready(ctx context.Context, endpoint string) error
	// Admit makes the token by which a region joins.
	Admit(ctx context.Context, endpoint string, region gazetteer.RegionID) (token string, err error)
	Rings(ctx context.Context, endpoint, region string, wanted []processes.Ring) error
	Load(ctx context.Context, endpoint string, s *scenario.Scenario, bundled func() (io.ReadCloser, error)) error
	// Tree returns the tree that a region uses, and the edges that it knows.
	Tree(ctx context.Context, endpoint string) (result.Tree, []result.Edge, error)
}

// Cloud is what is asked of AWS beside what Terraform makes. Every call names its region.
type Cloud interface {
	MakeBucket(ctx context.Context, region, bucket, run string) error
	// RemoveBucket removes it with all that it holds; one that is not there is no error.
	RemoveBucket(ctx context.Context, region, bucket string) error
	Put(ctx context.Context, region, bucket, key string, data []byte) error
	// Get returns an error of kind NotFound for an object that is not there.
	Get(ctx context.Context, region, bucket, key string) ([]byte, error)
	PutSecret(ctx context.Context, region, parameter, secret, run string) error
	// RemoveSecret removes a parameter; one that is not there is no error.
	RemoveSecret(ctx context.Context, region, parameter string) error

	Instances(ctx context.Context, region, run string) ([]Instance, error)
	// Stop takes the power of instances away.
	Stop(ctx context.Context, region string, ids []string) error
	Start(ctx context.Context, region string, ids []string) error
	Reboot(ctx context.Context, region string, ids []string) error
	// Suspend keeps a scaling group from doing some of what it does by itself.
	Suspend(ctx context.Context, region, group string, what []string) error
	Resume(ctx context.Context, region, group string, what []string) error
	// Deregister takes all instances out of a target group, and returns them.
	Deregister(ctx context.Context, region, group string) ([]string, error)
	Register(ctx context.Context, region, group string, ids []string) error

	Metrics(ctx context.Context, region string, asked []Metric, from, to time.Time) ([]Point, error)
	// Sweep removes whatever of a run still costs money in a region, and says what it was.
	Sweep(ctx context.Context, region, run string) ([]string, error)
}

// Instance is one that runs, or is stopped.
type Instance struct {
	ID, Name, Group, Address string
	Client                   bool
}

// Metric is one of CloudWatch's, in periods of a minute.
type Metric struct {
	Namespace, Name, Statistic string
	Dimensions                 map[string]string
}

// Point is the value of the asked metric of a number, in the period that began then.
type Point struct {
	Asked int
	At    time.Time
	Value float64
}
