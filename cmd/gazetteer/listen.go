package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"gazetteer"
)

// listen takes a TCP address. An address that is not loopback is refused unless the
// operator insists: whoever reaches the port may write.
func listen(ctx context.Context, flag, addr string, insecure bool) (net.Listener, error) {
	fail := func(k gazetteer.Kind, err error, format string, args ...any) error {
		return &gazetteer.Error{Op: "gazetteer.listen", Kind: k, Pointer: flag, Detail: fmt.Sprintf(format, args...), Err: err}
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, usage("%s: %q is not HOST:PORT", flag, addr)
	}
	if !insecure && !isLoopback(host) {
		return nil, fail(gazetteer.Denied, nil,
			"%s is not a loopback address, and there is neither TLS nor a token yet: whoever reaches the port could write; say --insecure if the network is yours alone", addr)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fail(gazetteer.Conflict, nil, "%s is in use by another process; choose another address with %s", addr, flag)
	case err != nil:
		return nil, fail(gazetteer.Invalid, err, "cannot listen on %s", addr)
	}
	return l, nil
}

// isLoopback reports whether a host can only be reached from this machine. An empty
// host is every address there is.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
