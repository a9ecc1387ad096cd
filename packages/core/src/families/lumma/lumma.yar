rule assay_lumma_chacha
{
    meta:
        description = "Lumma L2 and L3: the copy of key and nonce, and the access to slots of 0x80 bytes"
        family = "win.lumma"

    strings:
        $setup1 = { B8 ?? ?? ?? ?? BF ?? ?? ?? ?? B9 08 00 00 00 96 F3 A5 96 B8 }
        $setup2 = { B8 ?? ?? ?? ?? B9 08 00 00 00 BF ?? ?? ?? ?? 96 F3 A5 96 B8 }
        $array = { C1 E? 07 8D 8? ?? ?? ?? ?? 8D 74 24 ?? FF }

    condition:
        any of ($setup*) and $array
}

rule assay_lumma_base64
{
    meta:
        description = "Lumma L1 and L2: the tables of its number printer beside the texts of its JSON and ZIP code"
        family = "win.lumma"

    strings:
        $powers = { 32 1D 30 F9 48 77 82 5A 3C BF 73 7F DD 4F 15 75 }
        $decoder = { B0 40 C3 B0 3F C3 }
        $units = "_kMGT\x00_KMGT\x00" ascii
        $json = "%1.17g\x00" ascii
        $zip1 = "failed finding central directory" ascii
        $zip2 = "unsupported central directory size" ascii

    condition:
        $powers and ($decoder or $units) and 3 of ($decoder, $units, $json, $zip1, $zip2)
}

rule assay_lumma_clear
{
    meta:
        description = "Lumma L0: texts of its protocol and of its report"
        family = "win.lumma"

    strings:
        $upload = "Content-Type: attachment/x-object" ascii
        $report = "- Screen Resoluton:" ascii
        $request = "lid=%s&j=%s&ver" ascii
        $agent = "TeslaBrowser/5.5" ascii wide
        $build = "LummaC2, Build" ascii
        $path1 = "/c2sock" ascii wide
        $path2 = "/c2conf" ascii wide

    condition:
        3 of them
}
