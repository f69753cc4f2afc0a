//go:build !unix

package processes

import (
	"errors"
	"os"
)

func stand(*os.Process) error { return errors.ErrUnsupported }

func goOn(*os.Process) error { return errors.ErrUnsupported }

func terminate(p *os.Process) error { return p.Kill() }
