package cron

import (
	"archive/zip"
	_ "embed"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// ZoneData is the release of the IANA time zone database that is embedded. It
// is the archive that Go ships as lib/time/zoneinfo.zip, unchanged.
const ZoneData = "2025c"

//go:embed zoneinfo.zip
var zoneinfo string

// zones loads zones from the embedded data and keeps each one it loaded, so
// that all schedules of one zone share it.
type zones struct {
	archive *zip.Reader
	loaded  map[string]*time.Location
}

// LoadZone returns a zone of the embedded data by its IANA name; "" is UTC.
func LoadZone(name string) (*time.Location, error) { return new(zones).load(name) }

func (z *zones) load(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	if loc := z.loaded[name]; loc != nil {
		return loc, nil
	}
	if err := z.open(); err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(z.archive, name)
	if err != nil {
		return nil, z.unknown(name)
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, fmt.Errorf("zone %q of the embedded data: %w", name, err)
	}
	z.loaded[name] = loc
	return loc, nil
}

func (z *zones) open() error {
	if z.archive != nil {
		return nil
	}
	archive, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		return fmt.Errorf("embedded zone data: %w", err)
	}
	z.archive, z.loaded = archive, make(map[string]*time.Location)
	return nil
}

// unknown says that there is no such zone, and which one may be meant.
func (z *zones) unknown(name string) error {
	best, least := "", len(name)/3+1
	for _, f := range z.archive.File {
		if strings.EqualFold(f.Name, name) {
			return fmt.Errorf("%q is not a time zone; did you mean %q?", name, f.Name)
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		_, city, _ := strings.Cut(f.Name, "/")
		d := min(distance(name, f.Name), distance(name, city))
		if d < least {
			best, least = f.Name, d
		}
	}
	if best != "" {
		return fmt.Errorf("%q is not a time zone; did you mean %q?", name, best)
	}
	return fmt.Errorf("%q is not a time zone; write a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"", name)
}

// distance is the number of letters to change, add or drop, without case. Long
// names are far from everything.
func distance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var row [65]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = min(diagonal, row[j], row[j+1]) + 1
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// Location loads one zone from the embedded data, so that a name means the same
// on every machine. Loading opens the archive: keep what is returned.
func Location(name string) (*time.Location, error) {
	var z zones
	return z.load(name)
}

// Zones lists the names of all zones of the embedded data, sorted.
func Zones() []string {
	var z zones
	if err := z.open(); err != nil {
		return nil
	}
	var names []string
	for _, f := range z.archive.File {
		if !strings.HasSuffix(f.Name, "/") {
			names = append(names, f.Name)
		}
	}
	return names
}
