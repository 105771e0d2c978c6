// Signs, as cert-manager's CA issuer does with crypto/x509, the CA that the spec of a Certificate on stdin asks for:
// below a root of its own. Prints the certificate, its key and the root, PEM, as JSON.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"os"
	"time"
)

type names struct {
	DNSDomains []string `json:"dnsDomains"`
	IPRanges   []string `json:"ipRanges"`
	URIDomains []string `json:"uriDomains"`
}

type spec struct {
	CommonName      string   `json:"commonName"`
	IsCA            bool     `json:"isCA"`
	Duration        string   `json:"duration"`
	Usages          []string `json:"usages"`
	NameConstraints *struct {
		Critical  bool  `json:"critical"`
		Permitted names `json:"permitted"`
		Excluded  names `json:"excluded"`
	} `json:"nameConstraints"`
}

var keyUsages = map[string]x509.KeyUsage{
	"cert sign": x509.KeyUsageCertSign, "crl sign": x509.KeyUsageCRLSign, "digital signature": x509.KeyUsageDigitalSignature,
}
var extendedKeyUsages = map[string]x509.ExtKeyUsage{
	"client auth": x509.ExtKeyUsageClientAuth, "server auth": x509.ExtKeyUsageServerAuth,
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func parseRanges(texts []string) (ranges []*net.IPNet) {
	for _, text := range texts {
		_, parsed, err := net.ParseCIDR(text)
		ranges = append(ranges, must(parsed, err))
	}
	return ranges
}

func makeTemplate(asked spec) *x509.Certificate {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          must(rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))),
		Subject:               pkix.Name{CommonName: asked.CommonName},
		NotBefore:             now,
		NotAfter:              now.Add(must(time.ParseDuration(asked.Duration))),
		BasicConstraintsValid: true,
		IsCA:                  asked.IsCA,
	}
	for _, usage := range asked.Usages {
		template.KeyUsage |= keyUsages[usage]
		if extended, found := extendedKeyUsages[usage]; found {
			template.ExtKeyUsage = append(template.ExtKeyUsage, extended)
		}
	}
	if constraints := asked.NameConstraints; constraints != nil {
		template.PermittedDNSDomainsCritical = constraints.Critical
		template.PermittedDNSDomains = constraints.Permitted.DNSDomains
		template.PermittedIPRanges = parseRanges(constraints.Permitted.IPRanges)
		template.PermittedURIDomains = constraints.Permitted.URIDomains
		template.ExcludedDNSDomains = constraints.Excluded.DNSDomains
		template.ExcludedIPRanges = parseRanges(constraints.Excluded.IPRanges)
		template.ExcludedURIDomains = constraints.Excluded.URIDomains
	}
	return template
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func main() {
	var asked spec
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		log.Fatal(err)
	}
	rootKey := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	root := makeTemplate(spec{CommonName: "root", IsCA: true, Duration: "87600h", Usages: []string{"cert sign", "crl sign"}})
	rootDER := must(x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey))
	signedRoot := must(x509.ParseCertificate(rootDER))
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	certificate := must(x509.CreateCertificate(rand.Reader, makeTemplate(asked), signedRoot, key.Public(), rootKey))
	answer := map[string]string{
		"certificate": encode("CERTIFICATE", certificate),
		"key":         encode("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))),
		"root":        encode("CERTIFICATE", rootDER),
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		log.Fatal(err)
	}
}
