package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"gazetteer"
	"gazetteer/region"
)

// certificateFor returns a certificate of a node's name and what trusts it.
func certificateFor(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	trust.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, trust
}

func TestConnectionsMayBeEncrypted(t *testing.T) {
	cert, trust := certificateFor(t, "b")
	w := newTown(t)
	b, a := w.quick("b"), w.quick("a")
	b.ServerTLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	a.ClientTLS = &tls.Config{RootCAs: trust}
	w.open(b, func(t *Transport) { t.HandleInline(region.RoleReplica, echoTier()) })
	key := gazetteer.Key{Type: "t", ID: "x"}
	got, _, err := w.open(a, nil).Tier("b", region.RoleReplica).Read(within(t, 5*time.Second), nil, key)
	if err != nil || string(got) != "t/x" {
		t.Errorf("got %q, %v", got, err)
	}
	_, others := certificateFor(t, "b")
	c := w.quick("c")
	c.ClientTLS = &tls.Config{RootCAs: others}
	_, _, err = w.open(c, nil).Tier("b", region.RoleReplica).Read(within(t, 5*time.Second), nil, key)
	if gazetteer.KindOf(err) != gazetteer.Unavailable || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that is not trusted: %v", err)
	}
	plain := w.open(w.quick("d"), nil).Tier("b", region.RoleReplica)
	if _, _, err = plain.Read(within(t, 5*time.Second), nil, key); gazetteer.KindOf(err) != gazetteer.Unavailable {
		t.Errorf("plain text: %v", err)
	}
}
