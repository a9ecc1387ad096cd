/**
 * `npm run test:containers`: five carriers in containers made by the formats' own tools, through `assay triage`; each must
 * come out with the config that it has without one. Needs tools that npm does not bring, and says which are missing:
 *
 *   apt-get install p7zip-full zip tar bzip2 xz-utils zstd ncompress mscompress genisoimage xorriso udftools \
 *     mtools dosfstools fdisk ntfs-3g e2fsprogs qemu-utils gcab wixl msitools nsis wimtools arj cpio rpm \
 *     squashfs-tools util-linux-extra binutils python3 libarchive-tools
 *
 * RAR is made by RARLAB's own `rar` (Debian non-free), where it is on the path or named by ASSAY_RAR5 (any) and ASSAY_RAR4
 * (6.x, the last that writes rar 4 too); dmg by libdmg-hfsplus' `dmg`, on the path or named by ASSAY_DMG. Nothing is kept.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { demoBatch } from "../packages/carriers/src/demo.ts";
import type { Finding, Report, Sample } from "../packages/core/src/model/index.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const bin = join(root, "packages/app/bin/assay.cjs");
/** A program with nothing in it, as the stub of self-extractors. */
const stub = join(root, "packages/core/src/formats/pe/fixtures/hello32.exe");

/** One of each family. */
const CARRIERS = ["forum.exe", "gbrem.exe", "gbquas.exe", "2024crypt.exe", "timeSync.exe"];

interface Recipe {
  readonly name: string;
  readonly tools: readonly string[];
  /** File made by the commands, in the working folder. */
  readonly file: string;
  /** Run by sh where `c/` holds the carriers; `$one` is one of them, and the stub is `$stub`. */
  readonly make: string;
  /** Holds `$one` alone. */
  readonly single?: true;
}

const recipe = (name: string, tools: string, file: string, make: string): Recipe => ({
  name,
  tools: tools.split(" "),
  file,
  make,
});
const single = (name: string, tools: string, file: string, make: string): Recipe => ({
  ...recipe(name, tools, file, make),
  single: true,
});

/** A FAT image of 16 MB with the carriers, as $1. */
const FAT = "fat() { truncate -s 16M $1; mkfs.vfat $2 $1; mcopy -i $1 c/*.exe ::; }; ";
const WXS = `<?xml version='1.0'?><Wix xmlns='http://schemas.microsoft.com/wix/2006/wi'>
<Product Name='T' Id='*' UpgradeCode='12345678-1234-1234-1234-111111111111' Language='1033' Version='1.0' Manufacturer='T'>
<Package InstallerVersion='200' Compressed='yes'/><Media Id='1' Cabinet='t.cab' EmbedCab='yes'/>
<Directory Id='TARGETDIR' Name='SourceDir'><Component Id='C' Guid='12345678-1234-1234-1234-222222222222'>
$files</Component></Directory><Feature Id='F' Level='1'><ComponentRef Id='C'/></Feature></Product></Wix>`;
const wix = (files: string): string =>
  `cat > t.wxs <<END\n${WXS.replace("$files", files)}\nEND\nwixl -o t.msi t.wxs`;
const nsis = (compressor: string, file: string): string =>
  `printf 'SetCompressor ${compressor}\\nOutFile ${file}\\nName t\\nSection\\nSetOutPath $TEMP\\n${CARRIERS.map(
    (name) => `File c/${name}`,
  ).join("\\n")}\\nSectionEnd\\n' > t.nsi; makensis -V1 t.nsi`;
/** What the environment names, or a tool of the path. */
const or = (variable: string, tool: string): string => `"\${${variable}:-${tool}}"`;
const rar = (variable: string, flags: string, file: string): string =>
  `${or(variable, "rar")} a -ep -idq ${flags} ${file} c/*.exe`;

const RECIPES: readonly Recipe[] = [
  recipe("zip", "zip", "plain.zip", "zip -qr $file c"),
  recipe("zip, ZipCrypto", "zip", "zipcrypto.zip", "zip -qr -P infected $file c"),
  recipe("zip, AES", "7z", "aes.zip", "7z a -tzip -mem=AES256 -pinfected $file c"),
  recipe("zip, AES-128", "7z", "aes128.zip", "7z a -tzip -mem=AES128 -pinfected $file c"),
  recipe("zip, Deflate64", "7z", "deflate64.zip", "7z a -tzip -mm=Deflate64 $file c"),
  recipe("zip, LZMA", "7z", "lzma.zip", "7z a -tzip -mm=LZMA $file c"),
  recipe("zip, LZMA and AES", "7z", "lzma-aes.zip", "7z a -tzip -mm=LZMA -mem=AES256 -pinfected $file c"),
  recipe("zip, BZip2", "7z", "bzip2.zip", "7z a -tzip -mm=BZip2 $file c"),
  recipe("zip, PPMd", "7z", "ppmd.zip", "7z a -tzip -mm=PPMd $file c"),
  recipe("zip64", "zip", "zip64.zip", "zip -qr -fz $file c"),
  recipe("zip by bsdtar, streamed", "bsdtar", "stream.zip", "bsdtar -c --format zip c | cat > $file"),
  recipe("zip by Python", "python3", "python.zip", "python3 -m zipfile -c $file c/*.exe"),
  recipe(
    "zip with data in front",
    "zip",
    "prepended.zip",
    "zip -qr t.zip c; cat c/../t.zip > t2; (head -c 5000 /dev/urandom; cat t2) > $file",
  ),
  recipe("zip, SFX", "zip", "sfx-zip.exe", "zip -qr t.zip c; cat $stub t.zip > $file; zip -qA $file"),
  recipe(
    "zip, SFX, AES, offsets not mended",
    "7z",
    "sfx-aes.exe",
    "7z a -tzip -mem=AES256 -pinfected t.zip c; cat $stub t.zip > $file",
  ),
  recipe("7z", "7z", "plain.7z", "7z a $file c"),
  recipe("7z, encrypted headers", "7z", "headers.7z", "7z a -mhe=on -pinfected $file c"),
  recipe("7z, PPMd, not solid", "7z", "ppmd.7z", "7z a -m0=PPMd -ms=off $file c"),
  recipe(
    "7z, BCJ2",
    "7z",
    "bcj2.7z",
    "7z a -m0=BCJ2 -m1=LZMA -m2=LZMA -m3=LZMA -mb0:1 -mb0s1:2 -mb0s2:3 $file c",
  ),
  recipe(
    "7z, SFX with settings",
    "7z",
    "sfx-7z.exe",
    "7z a t.7z c; (cat $stub; printf ';!@Install@!UTF-8!\\nRunProgram=\"a.exe\"\\n;!@InstallEnd@!'; cat t.7z) > $file",
  ),
  recipe(
    "7z, SFX, encrypted headers",
    "7z",
    "sfx-7z-he.exe",
    "7z a -mhe=on -pinfected t.7z c; cat $stub t.7z > $file",
  ),
  recipe("tar", "tar", "plain.tar", "tar cf $file c"),
  recipe("tar.gz", "tar", "a.tar.gz", "tar czf $file c"),
  recipe("tgz", "tar", "a.tgz", "tar czf $file c"),
  recipe("tar.bz2", "tar bzip2", "a.tar.bz2", "tar cjf $file c"),
  recipe("tar.xz", "tar xz", "a.tar.xz", "tar cJf $file c"),
  recipe("tar.zst", "tar zstd", "a.tar.zst", "tar c c | zstd -q > $file"),
  recipe("tar.lzma", "tar xz", "a.tar.lzma", "tar c c | xz --format=lzma > $file"),
  recipe("tar.Z", "tar compress", "a.tar.Z", "tar c c | compress > $file"),
  single("gz", "gzip", "one.exe.gz", "gzip -c $one > $file"),
  single("bz2", "bzip2", "one.exe.bz2", "bzip2 -c $one > $file"),
  single("xz", "xz", "one.exe.xz", "xz -c $one > $file"),
  single("zst", "zstd", "one.exe.zst", "zstd -qc $one > $file"),
  single(
    "compress.exe (SZDD)",
    "mscompress",
    "one.ex_",
    "cp $one one.exe; mscompress one.exe; mv one.ex_ $file 2>/dev/null || mv one.exe_ $file",
  ),
  recipe("iso, Joliet and Rock Ridge", "genisoimage", "a.iso", "genisoimage -quiet -J -R -o $file c"),
  recipe("iso, plain names", "genisoimage", "plain.iso", "genisoimage -quiet -o $file c"),
  recipe("iso by xorriso", "xorriso", "x.iso", "xorriso -as mkisofs -quiet -J -o $file c"),
  recipe("iso and UDF in one", "genisoimage", "bridge.iso", "genisoimage -quiet -udf -o $file c"),
  recipe("iso and HFS in one", "genisoimage", "hybrid.iso", "genisoimage -quiet -hfs -o $file c"),
  recipe(
    "UDF alone",
    "genisoimage dd",
    "udf.img",
    // The bridge's UDF descriptors are put where those of ISO 9660 stand.
    "genisoimage -quiet -udf -o $file c; dd if=$file of=t bs=2048 skip=18 count=3; dd if=t of=$file bs=2048 seek=16 conv=notrunc; dd if=/dev/zero of=$file bs=2048 seek=19 count=2 conv=notrunc",
  ),
  recipe("FAT12 image", "mkfs.vfat mcopy", "fat12.img", `${FAT}fat $file '-F 12'`),
  recipe("FAT16 image", "mkfs.vfat mcopy", "fat16.img", `${FAT}fat $file '-F 16'`),
  recipe(
    "FAT32 image",
    "mkfs.vfat mcopy",
    "fat32.img",
    "truncate -s 40M $file; mkfs.vfat -F 32 $file; mcopy -i $file c/*.exe ::",
  ),
  recipe(
    "disk with MBR and FAT",
    "mkfs.vfat mcopy sfdisk",
    "mbr.img",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t) > $file; echo 'start=2048, type=6' | sfdisk $file`,
  ),
  recipe(
    "disk with GPT and FAT",
    "mkfs.vfat mcopy sfdisk",
    "gpt.img",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t; head -c 1M /dev/zero) > $file; printf 'label: gpt\\nstart=2048, size=32768\\n' | sfdisk $file`,
  ),
  recipe(
    "NTFS image",
    "mkntfs ntfscp",
    "ntfs.img",
    "truncate -s 8M $file; mkntfs -qF $file; for f in c/*.exe; do ntfscp -f $file $f $(basename $f); done",
  ),
  recipe("ext4 image", "mke2fs", "ext4.img", "truncate -s 4M $file; mke2fs -q -t ext4 -d c $file"),
  recipe(
    "vhd, fixed",
    "mkfs.vfat mcopy sfdisk qemu-img",
    "fixed.vhd",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t) > d; echo 'start=2048, type=6' | sfdisk d; qemu-img convert -O vpc -o subformat=fixed d $file`,
  ),
  recipe(
    "vhd, dynamic",
    "mkfs.vfat mcopy sfdisk qemu-img",
    "dynamic.vhd",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t) > d; echo 'start=2048, type=6' | sfdisk d; qemu-img convert -O vpc -o subformat=dynamic d $file`,
  ),
  recipe(
    "vhd of a bare FAT",
    "mkfs.vfat mcopy qemu-img",
    "bare.vhd",
    `${FAT}fat d -F16; qemu-img convert -O vpc d $file`,
  ),
  recipe(
    "vhd with GPT and NTFS",
    "mkntfs ntfscp sfdisk qemu-img",
    "ntfs.vhd",
    "truncate -s 8M t; mkntfs -qF t; for f in c/*.exe; do ntfscp -f t $f $(basename $f); done; (head -c 1M /dev/zero; cat t; head -c 1M /dev/zero) > d; printf 'label: gpt\\nstart=2048, size=16384\\n' | sfdisk d; qemu-img convert -O vpc d $file",
  ),
  recipe(
    "vhdx",
    "mkfs.vfat mcopy sfdisk qemu-img",
    "a.vhdx",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t) > d; echo 'start=2048, type=6' | sfdisk d; qemu-img convert -O vhdx d $file`,
  ),
  recipe(
    "vmdk",
    "mkfs.vfat mcopy sfdisk qemu-img",
    "a.vmdk",
    `${FAT}fat t -F16; (head -c 1M /dev/zero; cat t) > d; echo 'start=2048, type=6' | sfdisk d; qemu-img convert -O vmdk d $file`,
  ),
  recipe(
    "qcow2",
    "mkfs.vfat mcopy qemu-img",
    "a.qcow2",
    `${FAT}fat d -F16; qemu-img convert -O qcow2 d $file`,
  ),
  recipe("vdi", "mkfs.vfat mcopy qemu-img", "a.vdi", `${FAT}fat d -F16; qemu-img convert -O vdi d $file`),
  recipe("cab, MSZIP", "gcab", "mszip.cab", "gcab -cz $file c/*.exe"),
  recipe("cab, stored", "gcab", "stored.cab", "gcab -c $file c/*.exe"),
  recipe(
    "msi by wixl",
    "wixl",
    "t.msi",
    wix(CARRIERS.map((name, i) => `<File Id='f${i}' Name='${name}' Source='c/${name}'/>`).join("")),
  ),
  recipe(
    "msi with streams",
    "msibuild",
    "streams.msi",
    `msibuild $file -q 'CREATE TABLE \`T\` (\`A\` INT, \`B\` CHAR(20) PRIMARY KEY \`A\`)' ${CARRIERS.map((name, i) => `-a Binary.f${i} c/${name}`).join(" ")}`,
  ),
  recipe("NSIS, zlib", "makensis", "nsis-zlib.exe", nsis("zlib", "nsis-zlib.exe")),
  recipe("NSIS, zlib, solid", "makensis", "nsis-zlib-solid.exe", nsis("/SOLID zlib", "nsis-zlib-solid.exe")),
  recipe("NSIS, bzip2", "makensis", "nsis-bzip2.exe", nsis("bzip2", "nsis-bzip2.exe")),
  recipe("NSIS, LZMA", "makensis", "nsis-lzma.exe", nsis("lzma", "nsis-lzma.exe")),
  recipe("NSIS, LZMA, solid", "makensis", "nsis-lzma-solid.exe", nsis("/SOLID lzma", "nsis-lzma-solid.exe")),
  recipe(
    "dmg (UDIF, zlib)",
    "genisoimage dmg:ASSAY_DMG",
    "a.dmg",
    `genisoimage -quiet -hfs -o t.iso c; ${or("ASSAY_DMG", "dmg")} dmg t.iso $file`,
  ),
  recipe("wim", "7z", "a.wim", "7z a $file c"),
  recipe("wim, LZX, by wimlib", "wimlib-imagex", "lzx.wim", "wimlib-imagex capture c $file --compress=LZX"),
  recipe(
    "wim, XPRESS, by wimlib",
    "wimlib-imagex",
    "xpress.wim",
    "wimlib-imagex capture c $file --compress=XPRESS",
  ),
  recipe(
    "esd, LZMS, by wimlib",
    "wimlib-imagex",
    "lzms.esd",
    "wimlib-imagex capture c $file --compress=LZMS --solid",
  ),
  recipe("arj", "arj", "a.arj", "arj a -e $file c/*.exe"),
  recipe("cpio", "cpio", "a.cpio", "find c -type f | cpio -o -H newc > $file"),
  recipe(
    "deb",
    "dpkg-deb",
    "a.deb",
    "mkdir -p d/DEBIAN d/opt; printf 'Package: t\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@t>\\nDescription: t\\n' > d/DEBIAN/control; cp c/*.exe d/opt; dpkg-deb -b d $file",
  ),
  recipe(
    "rpm",
    "rpmbuild",
    "a.rpm",
    "mkdir -p r; printf 'Name: t\\nVersion: 1\\nRelease: 1\\nSummary: t\\nLicense: t\\nBuildArch: noarch\\n%%description\\nt\\n%%install\\nmkdir -p %%{buildroot}/opt\\ncp '$PWD'/c/*.exe %%{buildroot}/opt\\n%%files\\n/opt/*\\n' > t.spec; rpmbuild --quiet -bb --define \"_topdir $PWD/r\" t.spec; cp r/RPMS/noarch/*.rpm $file",
  ),
  recipe("squashfs", "mksquashfs", "a.squashfs", "mksquashfs c $file -quiet"),
  recipe("cramfs", "mkfs.cramfs", "a.cramfs", "mkfs.cramfs c $file"),
  recipe(
    "eml with a zip, its password in the text",
    "zip python3",
    "a.eml",
    `zip -qr -P Xy-4711 t.zip c; python3 -c "
from email.message import EmailMessage
m = EmailMessage(); m['Subject'] = 'Invoice'; m['From'] = 'a@b.example'; m['To'] = 'c@d.example'
m.set_content('Please see the file. Password: Xy-4711')
m.add_attachment(open('t.zip','rb').read(), maintype='application', subtype='zip', filename='invoice.zip')
open('$file','wb').write(m.as_bytes())"`,
  ),
  recipe(
    "zip in 7z in iso in vhd",
    "zip 7z genisoimage qemu-img",
    "deep.vhd",
    "zip -qr -P infected t.zip c; 7z a -mhe=on -pinfected t.7z t.zip; mkdir i; cp t.7z i; genisoimage -quiet -J -o t.iso i; qemu-img convert -O vpc t.iso $file",
  ),
  recipe("CaRT", "node", "a.cart", "tar cf t.tar c; node $bin cart t.tar; cp t.tar.cart $file"),
  recipe("rar 5", "rar:ASSAY_RAR5", "a5.rar", rar("ASSAY_RAR5", "", "$file")),
  recipe("rar 5, password", "rar:ASSAY_RAR5", "a5-p.rar", rar("ASSAY_RAR5", "-pinfected", "$file")),
  recipe(
    "rar 5, encrypted headers, solid",
    "rar:ASSAY_RAR5",
    "a5-hp.rar",
    rar("ASSAY_RAR5", "-s -hpinfected", "$file"),
  ),
  recipe(
    "rar 5, SFX",
    "rar:ASSAY_RAR5",
    "a5-sfx.exe",
    `${rar("ASSAY_RAR5", "", "t.rar")}; cat $stub t.rar > $file`,
  ),
  recipe("rar 4", "rar:ASSAY_RAR4", "a4.rar", rar("ASSAY_RAR4", "-ma4", "$file")),
  recipe("rar 4, stored", "rar:ASSAY_RAR4", "a4-m0.rar", rar("ASSAY_RAR4", "-ma4 -m0", "$file")),
  recipe("rar 4, password", "rar:ASSAY_RAR4", "a4-p.rar", rar("ASSAY_RAR4", "-ma4 -pinfected", "$file")),
  recipe(
    "rar 4, encrypted headers",
    "rar:ASSAY_RAR4",
    "a4-hp.rar",
    rar("ASSAY_RAR4", "-ma4 -hpinfected", "$file"),
  ),
  recipe(
    "rar 4, SFX",
    "rar:ASSAY_RAR4",
    "a4-sfx.exe",
    `${rar("ASSAY_RAR4", "-ma4", "t.rar")}; cat $stub t.rar > $file`,
  ),
];

/** A tool by its name, or `name:VARIABLE` when the environment may name it. */
function has(tool: string): boolean {
  const [name = "", variable = ""] = tool.split(":");
  const own = variable === "" ? undefined : process.env[variable];
  if (own !== undefined) return existsSync(own);
  return spawnSync("sh", ["-c", `PATH="$PATH:/usr/sbin:/sbin" command -v ${name}`]).status === 0;
}

const filter = process.argv[2];
const recipes = RECIPES.filter(({ name }) => filter === undefined || name.includes(filter));
const work = mkdtempSync(join(tmpdir(), "assay-containers-"));
const out = join(work, "out");
mkdirSync(out);
const made = new Map<string, Recipe>();
let [failed, skipped] = [0, 0];

function make(recipe: Recipe, turn: number): void {
  const missing = recipe.tools.filter((tool) => !has(tool));
  if (missing.length > 0) {
    skipped++;
    console.error(`skip  ${recipe.name}: no ${missing.join(", ")} here`);
    return;
  }
  const folder = mkdtempSync(join(work, "w-"));
  mkdirSync(join(folder, "c"));
  for (const carrier of demoBatch())
    if (CARRIERS.includes(carrier.name)) writeFileSync(join(folder, "c", carrier.name), carrier.bytes);
  const one = `c/${CARRIERS[turn % CARRIERS.length]}`;
  const run = spawnSync("sh", ["-c", recipe.make], {
    cwd: folder,
    encoding: "utf8",
    env: {
      ...process.env,
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
      file: recipe.file,
      one,
      stub,
      bin,
      HOME: folder,
    },
  });
  if (existsSync(join(folder, recipe.file)) && readdirSync(folder).length > 0) {
    copyFileSync(join(folder, recipe.file), join(out, recipe.file));
    made.set(recipe.file, recipe);
  } else {
    skipped++;
    console.error(`skip  ${recipe.name}: the tool made nothing: ${run.stderr.trim().split("\n").at(-1)}`);
  }
  rmSync(folder, { recursive: true, force: true });
}

function triage(path: string): readonly Sample[] {
  const run = spawnSync(process.execPath, [bin, "triage", path, "--json"], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  return (JSON.parse(run.stdout) as Report).samples;
}

function judge(sample: Sample, bare: ReadonlyMap<string, Finding>, turn: number): boolean {
  const file = sample.names[0]?.split("/").at(-1) ?? "";
  const recipe = made.get(file);
  if (recipe === undefined) return true;
  const wanted = recipe.single ? [CARRIERS[turn % CARRIERS.length] ?? ""] : CARRIERS;
  const wrong = wanted.filter((name) => {
    const own = bare.get(name);
    const found = sample.findings.find(({ family }) => family === own?.family);
    return !isDeepStrictEqual(found?.config, own?.config) || !isDeepStrictEqual(found?.c2, own?.c2);
  });
  const holds = wrong.length === 0 && sample.findings.length === wanted.length;
  const reasons = sample.reasons.map(({ code, text }) => `${code}: ${text}`).slice(0, 4);
  const why = holds
    ? ""
    : `: ${wrong.join(", ")} not found, ${sample.findings.length} findings; ${reasons.join(" | ")}`;
  console.error(`${holds ? "ok  " : "FAIL"}  ${recipe.name} (${sample.format}, ${sample.size} bytes)${why}`);
  return holds;
}

try {
  const plain = join(work, "bare");
  mkdirSync(plain);
  for (const carrier of demoBatch())
    if (CARRIERS.includes(carrier.name)) writeFileSync(join(plain, carrier.name), carrier.bytes);
  const bare = new Map(
    triage(plain).flatMap((sample) =>
      sample.findings
        .slice(0, 1)
        .map((finding) => [sample.names[0]?.split("/").at(-1) ?? "", finding] as const),
    ),
  );
  recipes.forEach(make);
  const order = recipes.map(({ file }) => file);
  for (const sample of triage(out)) {
    const turn = order.indexOf(sample.names[0]?.split("/").at(-1) ?? "");
    if (!judge(sample, bare, turn)) failed++;
  }
  console.error(`${made.size - failed} of ${made.size} found, ${skipped} skipped for want of a tool`);
  if (failed > 0) process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
