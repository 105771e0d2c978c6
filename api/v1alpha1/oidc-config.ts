/** BuildKitOIDCConfig v1alpha1: says everything as v1beta1 does. */
export { oidcConfigSpec, type OidcConfig } from '../v1beta1/oidc-config.ts';
