package secret

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
)

// NewSigningKey returns a new key that signs mail, as PKCS #8 in PEM: RSA with 2048 bits,
// which every receiver can verify.
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

// PublicOf returns the public half of a signing key, in base64 as in its DNS record.
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
