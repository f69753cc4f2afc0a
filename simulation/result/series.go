package result

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gazetteer"
)

// ReadSeries returns the collector's samples of a run, in the order in which they were
// taken. A last line that an ended run left half-written is left out.
func ReadSeries(dir string) (samples []Sample, err error) {
	path := filepath.Join(dir, SeriesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	rows := csv.NewReader(bytes.NewReader(text[:bytes.LastIndexByte(text, '\n')+1]))
	rows.ReuseRecord, rows.FieldsPerRecord = true, 1+strings.Count(seriesHeader, ",")
	if _, err := rows.Read(); err == io.EOF {
		return nil, nil // ended by force before anything came to the disk
	} else if err != nil {
		return nil, unreadable(path, err)
	}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return samples, nil
		}
		if err != nil {
			return samples, unreadable(path, err)
		}
		s, err := sampleOf(row)
		if err != nil {
			return samples, unreadable(path, err)
		}
		samples = append(samples, s)
	}
}

func sampleOf(row []string) (Sample, error) {
	at, err := strconv.ParseFloat(row[0], 64)
	value, err2 := strconv.ParseFloat(row[5], 64)
	return Sample{
		At:     time.Duration(at * float64(time.Second)),
		Region: gazetteer.RegionID(row[1]), Tier: row[2], Server: row[3], Metric: row[4],
		Value: value,
	}, errors.Join(err, err2)
}
