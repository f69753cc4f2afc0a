package processes

import (
	"fmt"
	"math/rand/v2"
	"net"

	"gazetteer"
)

// freeAddrs returns addresses of this machine that nobody listens on. Their ports are
// below those that the system gives to outgoing connections, so that a node that starts
// again finds its port free.
func freeAddrs(n int) (addrs []string, err error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for try := 0; len(addrs) < n; try++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err != nil {
			if try > 100*n {
				return nil, &gazetteer.Error{Op: "processes.Run", Kind: gazetteer.Unavailable, Err: err, Detail: "no free ports on 127.0.0.1"}
			}
			continue
		}
		held, addrs = append(held, l), append(addrs, l.Addr().String())
	}
	return addrs, nil
}
