package main

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"

	"github.com/gin-gonic/gin"
)

// serveBare is the least that a gin service can do: constant bytes, no middleware, no
// limits. Its arguments are the address, the number of bytes and, if each request is to
// wait for an answer over the plain framing, the address to ask there.
func serveBare(args []string) error {
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	wait := func() {}
	if len(args) > 2 {
		if wait, err = waitFor(args[2]); err != nil {
			return err
		}
	}
	body := bytes.Repeat([]byte("x"), size)
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	answer := func(c *gin.Context) { c.Data(http.StatusOK, "application/json", body) }
	e.GET("/livez", answer)
	e.GET("/v1/resolve/:type/:id", func(c *gin.Context) { wait(); answer(c) })
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go endOnInterrupt(func() { os.Exit(0) })
	return http.Serve(l, e)
}

// waitFor returns a function that asks once over the plain framing.
func waitFor(addr string) (func(), error) {
	callers, err := dialCallers(addr, framingConns)
	if err != nil {
		return nil, err
	}
	var turn atomic.Uint32
	return func() {
		arrived := make(chan struct{}, 1)
		callers[turn.Add(1)%uint32(len(callers))].call(func() { arrived <- struct{}{} })
		<-arrived
	}, nil
}
