package secret

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
)

// NewSigningKey makes a key that signs mail: RSA with 2048 bits, which every
// receiver can check, as PKCS #8 in PEM.
func NewSigningKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// PublicOf is the public half of a signing key, in base64 as DNS holds it.
func PublicOf(private []byte) (string, error) {
	block, _ := pem.Decode(private)
	if block == nil {
		return "", errors.New("a signing key is not in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return "", err
	}
	signer, ok := key.(*rsa.PrivateKey)
	if !ok {
		return "", errors.New("a signing key is not RSA")
	}
	der, err := x509.MarshalPKIXPublicKey(&signer.PublicKey)
	return base64.StdEncoding.EncodeToString(der), err
}
