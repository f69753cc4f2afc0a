package main

import "github.com/spf13/cobra"

// simCommand holds what is done with scenarios; each of its commands has a file of its own.
func (a *app) simCommand() *cobra.Command {
	c := group("sim", "Run a planet from a scenario file",
		a.simRunCommand(),
		a.simClientsCommand(),
		a.simValidateCommand(),
		a.simReportCommand(),
	)
	c.Long = `sim runs a planet of regions from one scenario file. FILE is a path, or the name of a
scenario of the library. simulation/scenario/testdata/example.yaml explains every key.`
	return c
}
