package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print what this program was built from",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("this program was built without build information")
			}
			return a.printVersion(info)
		},
	}
}

// buildVersion is the version of this program's module, "(devel)" for one that was built
// from its sources.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

func (a *app) printVersion(info *debug.BuildInfo) error {
	revision := ""
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	if a.output == formatJSON {
		return json.NewEncoder(a.out).Encode(map[string]string{
			"version": info.Main.Version, "revision": revision, "go": info.GoVersion,
		})
	}
	_, err := fmt.Fprintln(a.out, "gazetteer", info.Main.Version, revision, info.GoVersion)
	return err
}
