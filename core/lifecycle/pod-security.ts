/** How our containers are held: by the strictest profile of PodSecurity. */
export const restrictedPod = {
  runAsNonRoot: true,
  runAsUser: 10_001,
  runAsGroup: 10_001,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

/** What buildkitd needs to run a build in a user namespace of its own: without any of these a RUN step fails. */
const buildCapabilities = [
  'SYS_ADMIN',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'SETUID',
  'SETGID',
  'SETPCAP',
  'SETFCAP',
  'SYS_CHROOT',
  'MKNOD',
  'KILL',
  'NET_RAW',
  'NET_BIND_SERVICE',
  'AUDIT_WRITE',
] as const;

/** Root of a user namespace, which is nobody on the node. */
export const userNamespaceContainer = {
  privileged: false,
  runAsUser: 0,
  runAsGroup: 0,
  seccompProfile: { type: 'Unconfined' },
  capabilities: { drop: ['ALL'], add: buildCapabilities },
} as const;

export const privilegedContainer = { privileged: true, runAsUser: 0, runAsGroup: 0 } as const;
