/** Which field stands where, from Settings.cs and ClientBuilder.cs at each tag of github.com/quasar/Quasar. */

export type TextName =
  | "VERSION"
  | "HOSTS"
  | "HOST"
  | "PASSWORD"
  | "KEY"
  | "AUTHKEY"
  | "SUBDIRECTORY"
  | "INSTALLNAME"
  | "MUTEX"
  | "STARTUPKEY"
  | "ENCRYPTIONKEY"
  | "TAG"
  | "LOGDIRECTORYNAME"
  | "SERVERSIGNATURE"
  | "SERVERCERTIFICATESTR";

export type BoolName =
  | "INSTALL"
  | "STARTUP"
  | "HIDEFILE"
  | "ENABLEUACESCALATION"
  | "ENABLELOGGER"
  | "HIDELOGDIRECTORY"
  | "HIDEINSTALLSUBDIRECTORY"
  | "UNATTENDEDMODE";

export type IntName = "PORT" | "RECONNECTDELAY";

export interface FieldOrder {
  /** Layout id. */
  readonly id: string;
  /** Strings in the order of the static constructor. All but KEY, AUTHKEY and ENCRYPTIONKEY are encrypted. */
  readonly texts: readonly TextName[];
  readonly bools: readonly BoolName[];
  /** Of `bools`, how many trailing ones came only with the last versions of the layout. */
  readonly lateBools: number;
  readonly ints: readonly IntName[];
  /** Bytes of the AES key; 16 from MD5 without a MAC, or from PBKDF2 with one. */
  readonly keySize: 16 | 32;
  readonly scheme: "md5" | "hmac";
}

const START = ["VERSION", "HOSTS", "PASSWORD", "SUBDIRECTORY", "INSTALLNAME", "MUTEX", "STARTUPKEY"] as const;

/** Newest first. */
export const FIELD_ORDERS: readonly FieldOrder[] = [
  {
    id: "1.4",
    texts: [
      ...([
        "VERSION",
        "HOSTS",
        "SUBDIRECTORY",
        "INSTALLNAME",
        "MUTEX",
        "STARTUPKEY",
        "ENCRYPTIONKEY",
      ] as const),
      ...(["TAG", "LOGDIRECTORYNAME", "SERVERSIGNATURE", "SERVERCERTIFICATESTR"] as const),
    ],
    bools: [
      ...(["INSTALL", "STARTUP", "HIDEFILE", "ENABLELOGGER", "HIDELOGDIRECTORY"] as const),
      ...(["HIDEINSTALLSUBDIRECTORY", "UNATTENDEDMODE"] as const),
    ],
    lateBools: 0,
    ints: ["RECONNECTDELAY"],
    keySize: 32,
    scheme: "hmac",
  },
  {
    id: "1.3",
    texts: [
      ...(["VERSION", "HOSTS", "KEY", "AUTHKEY", "SUBDIRECTORY", "INSTALLNAME", "MUTEX"] as const),
      ...(["STARTUPKEY", "ENCRYPTIONKEY", "TAG", "LOGDIRECTORYNAME"] as const),
    ],
    bools: [
      ...(["INSTALL", "STARTUP", "HIDEFILE", "ENABLELOGGER", "HIDELOGDIRECTORY"] as const),
      "HIDEINSTALLSUBDIRECTORY",
    ],
    lateBools: 0,
    ints: ["RECONNECTDELAY"],
    keySize: 16,
    scheme: "hmac",
  },
  {
    id: "1.2",
    texts: [...START, "ENCRYPTIONKEY", "TAG", "LOGDIRECTORYNAME"],
    bools: ["INSTALL", "STARTUP", "HIDEFILE", "ENABLELOGGER", "HIDELOGDIRECTORY"],
    lateBools: 0,
    ints: ["RECONNECTDELAY"],
    keySize: 16,
    scheme: "md5",
  },
  {
    id: "1.0",
    texts: [...START, "ENCRYPTIONKEY", "TAG"],
    bools: ["INSTALL", "STARTUP", "HIDEFILE", "ENABLELOGGER"],
    lateBools: 0,
    ints: ["RECONNECTDELAY"],
    keySize: 16,
    scheme: "md5",
  },
  {
    // ENABLELOGGER came with RELEASE4.
    id: "xrat-2",
    texts: [
      ...(["VERSION", "HOST", "PASSWORD", "SUBDIRECTORY", "INSTALLNAME", "MUTEX"] as const),
      ...(["STARTUPKEY", "ENCRYPTIONKEY"] as const),
    ],
    bools: ["INSTALL", "STARTUP", "HIDEFILE", "ENABLEUACESCALATION", "ENABLELOGGER"],
    lateBools: 1,
    ints: ["PORT", "RECONNECTDELAY"],
    keySize: 16,
    scheme: "md5",
  },
];

/** Fields that hold plain text in every version. */
export const PLAIN_TEXTS: ReadonlySet<TextName> = new Set(["KEY", "AUTHKEY", "ENCRYPTIONKEY"]);

/** Field names as they stand in an unrenamed client, to what we call them: versions before 1.3 say SUBFOLDER. */
const ALIASES: Readonly<Record<string, TextName>> = { SUBFOLDER: "SUBDIRECTORY" };

const TEXT_NAMES: ReadonlySet<string> = new Set(FIELD_ORDERS.flatMap((order) => order.texts));
const BOOL_NAMES: ReadonlySet<string> = new Set(FIELD_ORDERS.flatMap((order) => order.bools));
const INT_NAMES: ReadonlySet<string> = new Set(FIELD_ORDERS.flatMap((order) => order.ints));

export function textName(field: string | undefined): TextName | undefined {
  const name = field === undefined ? "" : (ALIASES[field] ?? field);
  return TEXT_NAMES.has(name) ? (name as TextName) : undefined;
}

export function boolName(field: string | undefined): BoolName | undefined {
  return field !== undefined && BOOL_NAMES.has(field) ? (field as BoolName) : undefined;
}

export function intName(field: string | undefined): IntName | undefined {
  return field !== undefined && INT_NAMES.has(field) ? (field as IntName) : undefined;
}

/** What the switches are called among a config's capabilities. */
export const CAPABILITIES: Readonly<Record<BoolName, string>> = {
  INSTALL: "install",
  STARTUP: "startup",
  HIDEFILE: "hide_file",
  ENABLEUACESCALATION: "uac_escalation",
  ENABLELOGGER: "keylogger",
  HIDELOGDIRECTORY: "hide_log_directory",
  HIDEINSTALLSUBDIRECTORY: "hide_install_subdirectory",
  UNATTENDEDMODE: "unattended_mode",
};

/** System.Environment.SpecialFolder values to what they stand for on a default Windows. */
export const SPECIAL_FOLDERS: Readonly<Record<number, string>> = {
  0: "%USERPROFILE%\\Desktop",
  2: "%APPDATA%\\Microsoft\\Windows\\Start Menu\\Programs",
  5: "%USERPROFILE%\\Documents",
  7: "%APPDATA%\\Microsoft\\Windows\\Start Menu\\Programs\\Startup",
  26: "%APPDATA%",
  28: "%LOCALAPPDATA%",
  35: "%PROGRAMDATA%",
  36: "%WINDIR%",
  37: "%WINDIR%\\System32",
  38: "%PROGRAMFILES%",
  40: "%USERPROFILE%",
  41: "%WINDIR%\\SysWOW64",
  42: "%PROGRAMFILES(X86)%",
  43: "%COMMONPROGRAMFILES%",
};
