package geo

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"gazetteer"
)

func TestKnownDistances(t *testing.T) {
	for _, c := range []struct {
		name string
		a, b gazetteer.Point
		km   float64
	}{
		{"a quarter of the equator", gazetteer.Point{}, gazetteer.Point{Lon: 90}, furthestKM / 2},
		{"pole to pole", gazetteer.Point{Lat: 90}, gazetteer.Point{Lat: -90, Lon: 77}, furthestKM},
		{"one degree over the date line", gazetteer.Point{Lon: 179.5}, gazetteer.Point{Lon: -179.5}, furthestKM / 180},
		{"one metre", gazetteer.Point{Lat: 50}, gazetteer.Point{Lat: 50 + 180/furthestKM/1000}, 0.001},
		{"London to Sydney", gazetteer.Point{Lat: 51.5072, Lon: -0.1276}, gazetteer.Point{Lat: -33.8688, Lon: 151.2093}, 16993.9},
		{"nowhere", gazetteer.Point{Lat: 12, Lon: 34}, gazetteer.Point{Lat: 12, Lon: 34}, 0},
	} {
		if got := DistanceKM(c.a, c.b); math.Abs(got-c.km) > 1e-6+c.km*1e-5 {
			t.Errorf("%s: got %v km, want %v", c.name, got, c.km)
		}
	}
}

func TestDistanceIsTheAngleBetweenVectors(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPoint(t, "a"), drawPoint(t, "b")
		got, want := DistanceKM(a, b), angle(a, b)*earthRadiusKM
		// Haversine loses digits close to the antipode only, as its derivation says.
		tolerance := 1e-6
		if want > furthestKM*0.999 {
			tolerance = 1e-3
		}
		if math.Abs(got-want) > tolerance {
			t.Fatalf("%v to %v: got %v, want %v", a, b, got, want)
		}
		if back := DistanceKM(b, a); math.Abs(back-got) > 1e-9 {
			t.Fatalf("%v to %v: %v there, %v back", a, b, got, back)
		}
	})
}

// angle is the angle between two places as seen from the centre of the earth, by the
// cross and the dot product of their vectors.
func angle(a, b gazetteer.Point) float64 {
	u, v := vector(a), vector(b)
	cross := [3]float64{u[1]*v[2] - u[2]*v[1], u[2]*v[0] - u[0]*v[2], u[0]*v[1] - u[1]*v[0]}
	dot := u[0]*v[0] + u[1]*v[1] + u[2]*v[2]
	return math.Atan2(math.Sqrt(cross[0]*cross[0]+cross[1]*cross[1]+cross[2]*cross[2]), dot)
}

func vector(p gazetteer.Point) [3]float64 {
	lat, lon := p.Lat*math.Pi/180, p.Lon*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func drawPoint(t *rapid.T, name string) gazetteer.Point {
	return gazetteer.Point{
		Lat: rapid.Float64Range(-90, 90).Draw(t, name+" lat"),
		Lon: rapid.Float64Range(-180, 180).Draw(t, name+" lon"),
	}
}
