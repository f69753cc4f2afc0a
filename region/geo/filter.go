package geo

// Filter is a conjunction of conditions on locations; the zero Filter holds for all.
type Filter struct{}
