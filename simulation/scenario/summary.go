package scenario

import "fmt"

// Summary says in half a line how large a scenario is.
func (s *Scenario) Summary() string {
	processes := 0
	for i := range s.Regions {
		processes += len(s.Regions[i].Nodes())
	}
	faults := count(len(s.Faults), "fault")
	switch {
	case len(s.Random) > 0 && len(s.Faults) == 0:
		faults = "faults from the seed"
	case len(s.Random) > 0:
		faults += " and more from the seed"
	}
	return fmt.Sprintf("%s, %s, %s of clients, %s, %v", count(len(s.Regions), "region"), processesOf(processes), count(len(s.Clients), "fleet"), faults, s.Duration)
}

func processesOf(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}
