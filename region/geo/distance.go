package geo

import (
	"math"

	"gazetteer"
)

const (
	// earthRadiusKM is the mean radius R1 of the earth (Moritz, "Geodetic Reference
	// System 1980").
	earthRadiusKM = 6371.0088
	// furthestKM is half the circumference: nothing on earth is further away.
	furthestKM = math.Pi * earthRadiusKM
)

// DistanceKM returns the great-circle distance in kilometres, on a sphere: up to 0.6 %
// off the ellipsoid's. It is the haversine formula (Sinnott, "Virtues of the
// Haversine", 1984), which stays exact for points that are close together.
func DistanceKM(a, b gazetteer.Point) float64 { return From(a).DistanceKM(b) }

// Origin is a point from which many distances are measured.
type Origin struct{ lat, lon, cosLat float64 }

// From returns a point as an origin.
func From(p gazetteer.Point) Origin {
	lat := radians(p.Lat)
	return Origin{lat: lat, lon: radians(p.Lon), cosLat: math.Cos(lat)}
}

// DistanceKM is [DistanceKM] from the origin.
func (o Origin) DistanceKM(p gazetteer.Point) float64 {
	lat := radians(p.Lat)
	sinLat := math.Sin((lat - o.lat) / 2)
	sinLon := math.Sin((radians(p.Lon) - o.lon) / 2)
	h := sinLat*sinLat + o.cosLat*math.Cos(lat)*(sinLon*sinLon)
	return 2 * earthRadiusKM * math.Asin(math.Sqrt(min(1, h)))
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }
