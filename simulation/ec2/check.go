package ec2

import (
	"fmt"
	"regexp"
	"strings"

	"gazetteer"
	"gazetteer/simulation/aws"
	"gazetteer/simulation/scenario"
)

const mostRegions = 100

func wrong(pointer, format string, args ...any) error {
	return &gazetteer.Error{Op: "ec2.Run", Kind: gazetteer.Invalid, Pointer: pointer, Detail: fmt.Sprintf(format, args...)}
}

// check refuses what cannot be run on EC2, or would be another experiment.
func check(c *Config) error {
	s := c.Scenario
	switch {
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$`).MatchString(c.Run):
		return wrong("run", "%q: a run is called by 2 to 40 lower case letters, digits and hyphens", c.Run)
	case !strings.HasPrefix(c.Package.URL, "https://") || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(c.Package.SHA256):
		return wrong("package", "instances have to know where their package is fetched from (https), and what its bytes hash to")
	case len(s.Regions) == 0 || len(s.Regions) > mostRegions:
		return wrong("/regions", "there are %d regions; EC2 can have 1 to %d", len(s.Regions), mostRegions)
	case s.Tree.Shape != "" && s.Tree.Shape != scenario.MST:
		return wrong("/tree/shape", "regions find the minimum spanning tree themselves; a %s can only be simulated in virtual time", s.Tree.Shape)
	case s.Catalogue.File != "":
		return wrong("/catalogue/file", "machines of clients do not have that file; take a synthetic catalogue or the bundled one")
	}
	return checkRegions(s)
}

func checkRegions(s *scenario.Scenario) error {
	world, err := aws.Load()
	if err != nil {
		return err
	}
	for i, r := range s.Regions {
		if _, known := world.Region(r.Name); !known {
			return wrong(fmt.Sprintf("/regions/%d/name", i), "%s is none of AWS's regions that are known here", r.Name)
		}
	}
	for i, c := range s.Clients {
		if n := machines(s, c.Region); n > mostMachines {
			return wrong(fmt.Sprintf("/clients/%d/rate", i), "clients of %s would need %d machines, and %d is the most", c.Region, n, mostMachines)
		}
	}
	return nil
}
