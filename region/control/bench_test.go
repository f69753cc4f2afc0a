package control

import "testing"

// BenchmarkApply is the price of one change of the plan, on every regional server.
func BenchmarkApply(b *testing.B) {
	m := founded(b)
	values := []string{"one", "two"}
	for i := 0; b.Loop(); i++ {
		data, err := Command{Expect: m.epoch(), Edit: SetTree{Value: []byte(values[i%2])}}.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if r := m.apply(data); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
