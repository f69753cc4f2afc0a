package jsontext

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestAppendFloatIsShortest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		v := (rng.Float64() - 0.5) * 360
		v = math.Round(v*math.Pow10(rng.IntN(9))) / math.Pow10(rng.IntN(9))
		if a := math.Abs(v); a < 1e-6 || a >= 1e15 {
			continue
		}
		if got, want := string(AppendFloat(nil, v)), strconv.FormatFloat(v, 'f', -1, 64); got != want {
			t.Fatalf("%v is written as %s, want %s", v, got, want)
		}
	}
}

func TestAppendFloatEdges(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", -1.5: "-1.5", 0.000001: "0.000001", 1e-7: "1e-07", 1e20: "100000000000000000000",
		1e21: "1e+21", math.Inf(1): "null", 999999999.999999: "999999999.999999", 0.30000000000000004: "0.30000000000000004"} {
		if got := string(AppendFloat(nil, v)); got != want {
			t.Errorf("%v is written as %s, want %s", v, got, want)
		}
	}
	if got := string(AppendFixed(nil, 1234.5678, 1)) + string(AppendFixed(nil, -0.06, 1)) + string(AppendFixed(nil, 3, 3)); got != "1234.6-0.13" {
		t.Errorf("fixed: %s", got)
	}
}

func BenchmarkAppendString(b *testing.B) {
	var buf []byte
	for b.Loop() {
		buf = AppendString(buf[:0], "https://ndt-mlab1-ams05.mlab-oti.measurement-lab.org/ndt/v7/download")
	}
}

func BenchmarkAppendFloat(b *testing.B) {
	var buf []byte
	for b.Loop() {
		buf = AppendFloat(buf[:0], 52.30861)
	}
}
