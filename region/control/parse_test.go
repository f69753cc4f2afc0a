package control

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gazetteer"
)

const small = `region: fra
nodes:
  - name: a
    peer: 10.0.0.1:7070
    roles: [region, cluster, replica]
  - name: b
    peer: 10.0.0.2:7070
    http: 10.0.0.2:8080
    roles: [replica]
default:
  servers: [a]
  rings:
    - name: common
      members: [a, b]
types:
  ndt:
    servers: [a]
    rings:
      - name: x
        members: [a]
        partitions: [0-269]
      - name: "y"
        members: [b]
        partitions: [270]
`

// Each case changes one thing of the small plan.
func TestErrorsNameTheLineAndWhatToDo(t *testing.T) {
	if _, err := Parse([]byte(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, says string }{
		{"region: fra", "regoin: fra", `/regoin: line 1: unknown key "regoin"; known here: region, epoch, partitions, nodes, default, types`},
		{"    http: ", "    htpp: ", `/nodes/1/htpp: line 8: unknown key "htpp"; known here: name, peer, http, roles`},
		{"  servers: [a]\n  rings", "  server: [a]\n  rings", `line 11: unknown key "server"; known here: servers, rings`},
		{"      members: [a, b]", "      member: [a, b]", `line 14: unknown key "member"`},
		{"region: fra", "region: Fra", `/region: line 1: region "Fra" is not a DNS label`},
		{"region: fra", "region: any", `line 1: region name "any" is reserved`},
		{"region: fra", "region:", "line 1: want a text, found nothing"},
		{"region: fra", "epoch: 2", "line 1: region \"\" has 0 bytes"},
		{"region: fra", "region: fra\nregion: ams", `/region: line 2: the key "region" stands on line 1 already`},
		{"region: fra", "region: fra\npartitions: 0", `/partitions: line 2: "0" is not a whole number from 1 to 65536`},
		{"region: fra", "region: fra\npartitions: 70000", "line 2"},
		{"region: fra", "region: fra\npartitions: many", `line 2: "many" is not a whole number`},
		{"region: fra", "region: fra\npartitions: 100", "/types/ndt/rings/0/partitions: line 22: there is no partition 100: the planet has 100, from 0 on"},
		{"region: fra", "region: fra\npartitions: 300", "/types/ndt/rings: line 19: no ring owns partition 271: the planet has 300"},
		{"region: fra", "region: fra\nepoch: -1", `line 2: "-1" is not a whole number`},
		{"name: b", "name: a", `/nodes/1/name: line 6: the node "a" is named twice`},
		{"name: b", "name: B", `line 6: the name "B" is not of lower-case letters`},
		{"name: b", "name: -b", `line 6: the name "-b"`},
		{"name: b", "name: ''", "line 6: the text is empty"},
		{"name: b", "name: [b]", "line 6: want a text, found a list"},
		{"10.0.0.2:7070", "10.0.0.2", `/nodes/1/peer: line 7: "10.0.0.2" is not host:port`},
		{"10.0.0.2:7070", ":7070", `line 7: ":7070" is not host:port`},
		{"10.0.0.2:7070", "10.0.0.2:0", "line 7: the port"},
		{"10.0.0.2:7070", "10.0.0.2:99999", "line 7: the port"},
		{"10.0.0.2:7070", "10.0.0.1:7070", `line 7: 10.0.0.1:7070 is already an address of the node "a"`},
		{"10.0.0.2:8080", "10.0.0.2:7070", `/nodes/1/http: line 8: 10.0.0.2:7070 is already an address of the node "b"`},
		{"    peer: 10.0.0.2:7070\n", "", `line 6: the node "b" has no peer address`},
		{"roles: [replica]", "roles: [replcia]", `/nodes/1/roles/0: line 9: "replcia" is no role; roles are router, region, cluster, replica`},
		{"roles: [replica]", "roles: []", `line 9: the node "b" has no roles`},
		{"roles: [replica]", "roles: [replica, replica]", `line 9: the role "replica" is given twice`},
		{"roles: [replica]", "roles: replica", "line 9: want a list, found a text"},
		{"[region, cluster, replica]", "[cluster, replica]", "/nodes: line 2: no node has the role region"},
		{"members: [a, b]", "members: [a, c]", `/default/rings/0/members/1: line 14: no node is named "c"; there are a, b`},
		{"members: [a, b]", "members: [a, a]", `line 14: the node "a" is named twice`},
		{"members: [a, b]", "members: []", "line 14: no nodes: name at least one with the role replica"},
		{"      members: [a, b]\n", "", "line 13: no nodes"},
		{"  servers: [a]\n  rings", "  servers: [b]\n  rings", `line 11: the node "b" does not have the role cluster`},
		{"  servers: [a]\n  rings", "  rings", "/default/servers: line 10: no nodes"},
		{"default:", "defaults:", `unknown key "defaults"`},
		{"name: common", "name: Common", `line 13: the ring name "Common" is not a DNS label`},
		{"name: common", "name: x", `/types/ndt/rings/0/name: line 19: the ring name "x" is used at /default/rings/0 already`},
		{"name: common", "name: _types", `line 13: the ring name "_types" is not a DNS label`},
		{"  ndt:", "  NDT:", `line 16: type "NDT" is not a DNS label`},
		{"  ndt:", "  _types:", "/types/_types: line 16: internal types belong to the nodes with the role region"},
		{"  ndt:", "  a/b:", `/types/a~1b: line 16: type "a/b" is not`},
		{"[0-269]", "[0-268]", "no ring owns partition 269"},
		{"[0-269]", "[0-270]", `/types/ndt/rings/1/partitions: line 24: partition 270 is owned by the ring "x" already`},
		{"[0-269]", "[0-900]", "line 21: there is no partition 271: the planet has 271"},
		{"[0-269]", "[9-2]", `/types/ndt/rings/0/partitions/0: line 21: "9-2" is neither a partition nor a range`},
		{"[0-269]", "[a]", `line 21: "a" is neither`},
		{"[0-269]", "[0-65535, 0-65535]", "line 21: more than 65536 partitions"},
		{"        partitions: [270]\n", "", `line 22: the ring "y" does not say which partitions it owns`},
		{"types:", "types: &t", "line 15: anchors, aliases, tags and blocks of text"},
		{"types:", "types: !!map", "anchors, aliases, tags"},
		{"[a, b]", "*t", "line 14: anchors, aliases, tags"},
		{"types:", "---\ntypes:", "line 16: a second document begins"},
		{"  servers: [a]\n  rings", "  servers: [a\n  rings", "line 1"},
		{"types:\n", "types:\n\t- a\n", "line 16"},
		{"[a, b]", strings.Repeat("[", 40), "line 14: nested too deeply"},
		{"[a, b]", strings.Repeat("- ", 600), "line 14: nested too deeply"},
		{small, "", "line 1: the file is empty"},
		{small, "# nothing but a remark\n", "line 1: the file is empty"},
		{small, "- a\n", "line 1: want a mapping, found a list"},
		{small, "region: fra\n", "/nodes: line 1: no nodes"},
		{small, strings.Repeat("#", maxFileBytes+1), "the file has more than 262144 bytes"},
	} {
		if !strings.Contains(small, c.old) {
			t.Fatalf("the plan does not contain %q", c.old)
		}
		_, err := Parse([]byte(strings.Replace(small, c.old, c.new, 1)))
		kind := gazetteer.KindOf(err)
		if err == nil || !strings.Contains(err.Error(), c.says) || (kind != gazetteer.Invalid && kind != gazetteer.Unprocessable) {
			t.Errorf("%.60q: got %v\nwant %q", c.new, err, c.says)
		}
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "plan.yaml")
	if err := os.WriteFile(bad, []byte("regoin: fra\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		kind gazetteer.Kind
		says string
	}{
		{bad, gazetteer.Invalid, bad + ": control.Parse: /regoin: line 1: unknown key"},
		{filepath.Join(dir, "absent.yaml"), gazetteer.NotFound, "no such file"},
		{dir, gazetteer.Invalid, "is a directory"},
	} {
		_, err := Load(c.path)
		if err == nil || gazetteer.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: got %v (%v), want %v and %q", c.path, err, gazetteer.KindOf(err), c.kind, c.says)
		}
	}
}

// Whatever is read, it is a plan that holds together or an error that names a line.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("testdata/example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte(small))
	for _, seed := range []string{"", "a: b", "- - -", "region: &a [*a]", "region: fra\nnodes: [{name: a, roles: [region]}]", "? a\n: b", "<<: {a: b}", "---\n---\n", "%YAML 1.2\n---\na: |\n x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			kind := gazetteer.KindOf(err)
			if (kind != gazetteer.Invalid && kind != gazetteer.Unprocessable) || !strings.Contains(err.Error(), "line ") || strings.Contains(err.Error(), "line 0") {
				t.Fatalf("%v (%v)", err, kind)
			}
			return
		}
		for _, ty := range append(p.Types(), "made-later") {
			if p.Partitions() < 1000 {
				checkOwners(t, p, ty)
			}
			for _, n := range p.ClusterServers(ty) {
				if len(p.Roles(n)) == 0 {
					t.Fatalf("the server %s has no roles", n)
				}
			}
		}
	})
}
