// Rule skeletons of what clusters share, by assay. Review before use: they were tried on no clean file.

rule assay_cluster_a85e4a7a562c
{
  meta:
    description = "Skeleton: what the files of one cluster share"
    author = "assay"
    cluster = "cluster-a85e4a7a562c"
    families = "win.lumma"
    tlp = "TLP:CLEAR"
    hash = "2d1fe481b719188c08cce0a760c20e978ddcc54c1beb50dc8cf1d2ccf2cf9151"
    hash = "52a0e64281c222c5c912411e2cf8b97cc55b31ebcf678e0cac44ee126f78c71f"
    hash = "741b255753ace3385a22cb279e8a6da4561f7acd476a53f702f8a31db8a9d6cf"
    hash = "fa250b0acd83a4b8cb956b09dccc813dedd790ba0fd02c35d47db059934bdf51"
  strings:
    $s0 = "assaultseekwoodywod.pw" ascii wide
    $s1 = "cakecoldsplurgrewe.pw" ascii wide
    $s2 = "chincenterblandwka.pw" ascii wide
    $s3 = "dayfarrichjwclik.fun" ascii wide
    $s4 = "diagramfiremonkeyowwa.fun" ascii wide
    $s5 = "neighborhoodfeelsa.fun" ascii wide
    $s6 = "opposesicknessopw.pw" ascii wide
    $s7 = "pinkipinevazzey.pw" ascii wide
    $s8 = "politefrightenpowoa.pw" ascii wide
    $s9 = "ratefacilityframw.fun" ascii wide
    $s10 = "reviveincapablewew.pw" ascii wide
    $s11 = "c2CoW0" ascii wide
  condition:
    2 of them
}

rule assay_cluster_d494edaaa5c8
{
  meta:
    description = "Skeleton: what the files of one cluster share"
    author = "assay"
    cluster = "cluster-d494edaaa5c8"
    families = "win.vidar"
    tlp = "TLP:CLEAR"
    hash = "25e25c1c28516f63d6b1bba3b93a2d82e08e7bd4e955c79a88a466d7c00dbb40"
    hash = "ca26d8379860451fb04e3b5173aa8c9668cc8870e0e627941c709f17c0c7f617"
  strings:
    $s0 = "http://128.140.69.37:80" ascii wide
    $s1 = "https://steamcommunity.com/profiles/76561199588685141" ascii wide
    $s2 = "128.140.69.37" ascii wide
  condition:
    2 of them
}

rule assay_cluster_1a800bdf8bb8
{
  meta:
    description = "Skeleton: what the files of one cluster share"
    author = "assay"
    cluster = "cluster-1a800bdf8bb8"
    families = "win.quasar_rat, win.remcos"
    tlp = "TLP:CLEAR"
    hash = "3dc3a32feb6316862adce46bec3315b557d25623da6d3c8f19d2b361e2466b90"
    hash = "af011aa5883ff44887db2494ced4fa54e228e7066360e759781db433f45485ce"
  strings:
    $s0 = "177.105.132.124" ascii wide
    $s1 = "77.105.132.70" ascii wide
  condition:
    2 of them
}
