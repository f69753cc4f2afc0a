package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/cmd/gazetteer/sample"
	"gazetteer/simulation/processes"
	"gazetteer/simulation/scenarios"
)

// simClients is one command line of "sim clients".
type simClients struct {
	app       *app
	file      string
	region    string
	endpoints string
	at        string
	shard     string
	out       string
}

// simClientsCommand is what a machine runs that stands for a region's clients.
func (a *app) simClientsCommand() *cobra.Command {
	s := simClients{app: a}
	c := &cobra.Command{
		Use:   "clients",
		Short: "Ask a planet that is there already as a scenario's clients do",
		Long: `clients lets the clients of one region of a scenario ask a planet, wherever it runs: as
often as the scenario says, whatever became of earlier requests. They ask their region's
endpoint, and the nearest other one while that fails. What they have counted is written as
JSON, for whoever adds up the regions.

With --shard several machines share the clients of a region.`,
		Example: `  gazetteer sim clients --scenario paper --region eu-west-1 \
    --endpoints eu-west-1=http://192.0.2.1,us-east-1=http://192.0.2.2 \
    --at 2030-01-02T03:04:05Z --shard 1/2 --out counted.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return s.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&s.file, "scenario", "", "the scenario's file, or its name in the library")
	f.StringVar(&s.region, "region", "", "whose clients ask")
	f.StringVar(&s.endpoints, "endpoints", "", "REGION=URL, by comma: the regions' REST faces")
	f.StringVar(&s.at, "at", "", "when the load begins, as 2030-01-02T03:04:05Z (default: now)")
	f.StringVar(&s.shard, "shard", "1/1", "I/N: the Ith of N machines that share these clients")
	f.StringVar(&s.out, "out", "", "file for what they have counted (default: standard output)")
	return c
}

func (s *simClients) run(ctx context.Context) (err error) {
	c := processes.ClientsConfig{Region: gazetteer.RegionID(s.region), At: time.Now(), Bundled: func() (io.ReadCloser, error) { return sample.Open() }}
	if s.file == "" || s.region == "" {
		return usage("--scenario and --region say whose clients ask")
	}
	if c.Endpoints, err = endpointsOf(s.endpoints); err != nil {
		return err
	}
	if s.at != "" {
		if c.At, err = time.Parse(time.RFC3339, s.at); err != nil {
			return usage("--at %.40s: a time is written as 2030-01-02T03:04:05Z", s.at)
		}
	}
	if c.Shard, c.Shards, err = shardOf(s.shard); err != nil {
		return err
	}
	if c.Scenario, err = scenarios.Open(s.file); err != nil {
		return err
	}
	counted, err := processes.Clients(ctx, c)
	if err != nil {
		return err
	}
	return s.leave(counted)
}

// leave writes down what was counted, also by clients that were interrupted.
func (s *simClients) leave(counted *processes.Counted) error {
	text, err := json.Marshal(counted)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if s.out == "" {
		_, err = s.app.out.Write(text)
		return err
	}
	return os.WriteFile(s.out, text, 0o644)
}

func endpointsOf(text string) (map[gazetteer.RegionID]string, error) {
	all := map[gazetteer.RegionID]string{}
	for one := range strings.SplitSeq(text, ",") {
		region, url, ok := strings.Cut(one, "=")
		if !ok || region == "" {
			return nil, usage("--endpoints %.80q: each is REGION=URL", one)
		}
		all[gazetteer.RegionID(region)] = url
	}
	return all, nil
}

// shardOf reads I/N, from 1 as people count, and returns the shard from 0.
func shardOf(text string) (shard, shards int, err error) {
	i, n, _ := strings.Cut(text, "/")
	shard, err = strconv.Atoi(i)
	if err == nil {
		shards, err = strconv.Atoi(n)
	}
	if err != nil || shard < 1 || shard > shards {
		return 0, 0, usage("--shard %.40s: it is I/N, with I from 1 to N", text)
	}
	return shard - 1, shards, nil
}
