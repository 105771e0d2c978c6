// Verifies certificates by Go's crypto/x509, which shares no code with OpenSSL. Each line of standard input is a JSON
// object; each line of output is "ok", or what Go says against it.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"time"
)

type question struct {
	Roots string // PEM
	Chain string // PEM: the leaf, then what stands between it and a root
	Usage string // "client" or "server"
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(judge(asked))
	}
}

func judge(asked question) string {
	leaf, rest, err := split(asked.Chain)
	if err != nil {
		return err.Error()
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(asked.Roots))
	usage := map[string]x509.ExtKeyUsage{"client": x509.ExtKeyUsageClientAuth, "server": x509.ExtKeyUsageServerAuth}[asked.Usage]
	options := x509.VerifyOptions{Roots: roots, Intermediates: rest, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{usage}}
	if _, err := leaf.Verify(options); err != nil {
		return err.Error()
	}
	if len(leaf.UnhandledCriticalExtensions) > 0 {
		return "critical extensions that are not known"
	}
	return "ok"
}

func split(chain string) (*x509.Certificate, *x509.CertPool, error) {
	var leaf *x509.Certificate
	rest := x509.NewCertPool()
	for data := []byte(chain); ; {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, err
		}
		if leaf == nil {
			leaf = certificate
		} else {
			rest.AddCert(certificate)
		}
	}
	if leaf == nil {
		return nil, nil, fmt.Errorf("no certificate")
	}
	return leaf, rest, nil
}
