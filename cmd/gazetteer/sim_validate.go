package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gazetteer"
	"gazetteer/simulation/scenario"
	"gazetteer/simulation/scenarios"
)

// simValidateCommand reads scenario files, and starts nothing.
func (a *app) simValidateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE...",
		Short: "Check scenario files, and name every mistake with its line",
		Long: `validate reads scenario files and starts nothing. Each mistake is printed as
FILE:LINE: what is wrong, and what to do; all mistakes of all files at once. FILE is a path,
or the name of a scenario of the library.`,
		Example:           "  gazetteer sim validate my.yaml paper",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeScenarios,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.validate(args)
		},
	}
}

// completeScenarios offers the library, and files.
func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return scenarios.Names(), cobra.ShellCompDirectiveDefault
}

// verdict is what is said of one file.
type verdict struct {
	File     string            `json:"file"`
	OK       bool              `json:"ok"`
	Holds    string            `json:"holds,omitempty"` // the size of it, for a person
	Error    string            `json:"error,omitempty"` // of a file that cannot be read
	Mistakes scenario.Mistakes `json:"mistakes,omitempty"`
	err      error
}

func (a *app) validate(files []string) error {
	var verdicts []verdict
	for _, f := range files {
		verdicts = append(verdicts, judge(f))
	}
	if a.output == formatJSON {
		if err := a.json(verdicts); err != nil {
			return err
		}
	} else {
		a.printVerdicts(verdicts)
	}
	return summary(verdicts)
}

func judge(file string) verdict {
	s, err := scenarios.Open(file)
	if err == nil {
		return verdict{File: file, OK: true, Holds: s.Summary()}
	}
	v := verdict{File: file, err: err}
	if !errors.As(err, &v.Mistakes) {
		v.Error = err.Error()
	}
	return v
}

// printVerdicts prints what is right on the one, what is wrong on the other stream.
func (a *app) printVerdicts(verdicts []verdict) {
	for _, v := range verdicts {
		switch {
		case v.OK:
			fmt.Fprintf(a.out, "%s: ok, %s\n", printable(v.File), v.Holds)
		case v.Mistakes == nil:
			fmt.Fprintf(a.err, "%s\n", printable(v.Error))
		}
		for _, m := range v.Mistakes {
			fmt.Fprintln(a.err, printable(m.String()))
		}
	}
}

// summary is the error of all files together: the kind of its first is that of the whole.
func summary(verdicts []verdict) error {
	files, mistakes := 0, 0
	kind := gazetteer.NotFound // unless one is wrong otherwise
	for _, v := range verdicts {
		if v.err == nil {
			continue
		}
		files++
		mistakes += len(v.Mistakes)
		if k := gazetteer.KindOf(v.err); k != gazetteer.NotFound {
			kind = k
		}
	}
	if files == 0 {
		return nil
	}
	return &gazetteer.Error{Op: "sim validate", Kind: kind, Detail: fmt.Sprintf("%d of %d files cannot be run; mistakes: %d", files, len(verdicts), mistakes)}
}
