package mtatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// makeCertificates makes an authority (ca.pem) and, signed by it, a certificate for 127.0.0.1
// and localhost (server.pem, server.key), and one for another host (foreign.pem, foreign.key).
func makeCertificates(dir string) error {
	year := x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "Authority of a test"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		BasicConstraintsValid: true,
	}
	authority := year
	authority.IsCA = true
	authority.KeyUsage = x509.KeyUsageCertSign
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := write(dir, "ca.pem", &authority, &authority, authorityKey, authorityKey); err != nil {
		return err
	}

	server := year
	server.SerialNumber = big.NewInt(2)
	server.Subject = pkix.Name{CommonName: "localhost"}
	server.DNSNames = []string{"localhost"}
	server.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	foreign := year
	foreign.SerialNumber = big.NewInt(3)
	foreign.Subject = pkix.Name{CommonName: "mx.elsewhere.example"}
	foreign.DNSNames = []string{"mx.elsewhere.example"}
	for name, c := range map[string]*x509.Certificate{"server": &server, "foreign": &foreign} {
		c.KeyUsage = x509.KeyUsageDigitalSignature
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		if err := writePair(dir, name, c, &authority, authorityKey); err != nil {
			return err
		}
	}
	return nil
}

// writePair makes a key for a certificate and writes both.
func writePair(dir, name string, c, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey) error {
	made, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	key, err := x509.MarshalPKCS8PrivateKey(made)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, name+".key"), "PRIVATE KEY", key); err != nil {
		return err
	}
	return write(dir, name+".pem", c, authority, made, authorityKey)
}

// write signs a certificate for key with the parent's key, and writes it.
func write(dir, file string, c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) error {
	signed, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, file), "CERTIFICATE", signed)
}

func writePEM(file, kind string, content []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o644)
}
