export * from "./aes.ts";
export * from "./base64.ts";
export * from "./chacha20.ts";
export * from "./hash.ts";
export * from "./inflate.ts";
export * from "./pbkdf2.ts";
export * from "./rc4.ts";
export * from "./xor.ts";
