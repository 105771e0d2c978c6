// Verifies a chain as a Go server would: prints OK, or why not.
//
//	verify <client|server> <bundle.pem> <chain.pem>
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func main() {
	usage := map[string]x509.ExtKeyUsage{"client": x509.ExtKeyUsageClientAuth, "server": x509.ExtKeyUsageServerAuth}[os.Args[1]]
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, root := range read(os.Args[2]) {
		roots.AddCert(root)
	}
	chain := read(os.Args[3])
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{usage}}
	if _, err := chain[0].Verify(options); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("OK")
}

func read(file string) (certificates []*x509.Certificate) {
	rest, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return certificates
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			fmt.Println(err)
			os.Exit(0)
		}
		certificates = append(certificates, certificate)
	}
}
