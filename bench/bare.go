package main

import (
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"
)

// serveBare is the least that a gin service can do: constant bytes, no middleware, no
// limits. Its arguments are the address and the number of bytes.
func serveBare(args []string) error {
	size, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	body := make([]byte, size)
	for i := range body {
		body[i] = 'x'
	}
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	answer := func(c *gin.Context) { c.Data(http.StatusOK, "application/json", body) }
	e.GET("/livez", answer)
	e.GET("/v1/resolve/:type/:id", answer)
	l, err := net.Listen("tcp", args[0])
	if err != nil {
		return err
	}
	go endOnInterrupt(func() { os.Exit(0) })
	return http.Serve(l, e)
}
