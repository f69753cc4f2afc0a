package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"gazetteer/simulation/whatif"
)

// TestPlanOfAPlanet: the round trips come from the topology that a region shows.
func TestPlanOfAPlanet(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/topology" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"epoch":"1","regions":[{"name":"us-east-1","state":"live","lat":38.9,"lon":-77.4},{"name":"eu-west-1","state":"live"}],
			"edges":[{"a":"eu-west-1","b":"us-east-1","cost_ms":50,"tree":true}],"weight_ms":50}`))
	}))
	defer s.Close()
	code, out, bad := runLine(t, "plan add-region sa-east-1 -o json --from "+s.URL, "")
	var c whatif.Change
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != exitOK {
		t.Fatalf("exit %d, %s: %v", code, bad, err)
	}
	if c.Before.WeightMS != 50 || c.After.Regions != 3 || c.Table != 2 || len(c.New) != 1 || c.New[0].A != "sa-east-1" || c.New[0].Of != whatif.Table {
		t.Errorf("before %+v, after %+v, new %+v; want 50 ms, three regions, one edge by the table", c.Before, c.After, c.New)
	}
	code, out, _ = runLine(t, "plan add-region halifax --at 44.6,-63.6 --from "+s.URL, "")
	for _, want := range []string{"PREDICTED", "stretch, worst", "guess", "2 round trips are guesses"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit %d, no %q in\n%s", code, want, out)
		}
	}
}

// TestPlanShortcuts: the known figures of the 32 regions.
func TestPlanShortcuts(t *testing.T) {
	code, out, bad := runLine(t, "plan shortcuts 1 --scenario regions-32", "")
	if code != exitOK {
		t.Fatalf("exit %d, %s", code, bad)
	}
	for _, want := range []string{"5.35 (ap-northeast-1 to us-west-2)", "2.28 (", "1107.9 ms", "shortcut"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestPlanExitCodes(t *testing.T) {
	dead := httptest.NewServer(nil)
	dead.Close()
	for line, want := range map[string]int{
		"plan":                                                  exitUsage,
		"plan add-region":                                       exitUsage,
		"plan shortcuts few --scenario paper":                   exitUsage,
		"plan shortcuts -- -1":                                  exitUsage,
		"plan add-region x --at 95,0":                           exitUsage,
		"plan add-region x --at here":                           exitUsage,
		"plan add-region x --shortcuts -1":                      exitUsage,
		"plan shortcuts 1 --from u --scenario s":                exitUsage,
		"plan add-region us-east-1 --scenario paper":            exitConflict,
		"plan add-region atlantis --scenario paper":             exitError,
		"plan remove-region atlantis --scenario paper":          exitNotFound,
		"plan remove-region us-east-1 --scenario no/such.yaml":  exitNotFound,
		"plan remove-region us-east-1 --from " + dead.URL:       exitUnavailable,
		"plan remove-region us-east-1 --from example.org:8080x": exitError,
	} {
		code, out, bad := runLine(t, line, "")
		if code != want || out != "" || bad == "" {
			t.Errorf("%s: exit %d with %q and %q, want exit %d and only an error", line, code, out, bad, want)
		}
	}
}
